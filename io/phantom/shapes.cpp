#include "io/phantom/shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include <Eigen/Geometry>

namespace marrow {
namespace {

// Beyond this distance nobody needs an exact value.
constexpr double kFarMargin = 25.0;

Eigen::Vector3d shapes_random_direction(Rng& rng) {
  const Eigen::Vector3d v(rng.normal(), rng.normal(), rng.normal());
  return v.normalized();
}

double shapes_lattice(std::uint64_t key, std::int64_t x, std::int64_t y, std::int64_t z) {
  std::uint64_t h = key ^ (static_cast<std::uint64_t>(x) * 0x9E3779B97F4A7C15ULL) ^
                    (static_cast<std::uint64_t>(y) * 0xC2B2AE3D27D4EB4FULL) ^
                    (static_cast<std::uint64_t>(z) * 0x165667B19E3779F9ULL);
  h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9ULL;
  h = (h ^ (h >> 27)) * 0x94D049BB133111EBULL;
  h ^= h >> 31;
  return static_cast<double>(h >> 11) * 0x1p-52 - 1.0;
}

}  // namespace

SmoothWarp::SmoothWarp(Rng& rng, double amplitude_mm) {
  for (Wave& wave : waves_) {
    const double wavelength_mm = rng.uniform(140.0, 320.0);
    wave.direction = shapes_random_direction(rng) * (2 * std::numbers::pi / wavelength_mm);
    const double strength = amplitude_mm / std::sqrt(static_cast<double>(waves_.size()));
    wave.amplitude = shapes_random_direction(rng) * (strength * rng.uniform(0.5, 1.5));
    wave.phase = rng.uniform(0, 2 * std::numbers::pi);
  }
}

Eigen::Vector3d SmoothWarp::operator()(const Eigen::Vector3d& point) const {
  Eigen::Vector3d moved = point;
  for (const Wave& wave : waves_) {
    moved += wave.amplitude * std::sin(wave.direction.dot(point) + wave.phase);
  }
  return moved;
}

Blob::Blob(Rng& rng,
           const Eigen::Vector3d& centre,
           const Eigen::Vector3d& radii,
           const Eigen::Vector3d& tilt,
           double roughness)
    : centre_(centre), radii_(radii), axes_(rotation(tilt)) {
  for (Ripple& ripple : ripples_) {
    ripple.direction = shapes_random_direction(rng) * rng.uniform(1.5, 4.5);
    ripple.phase = rng.uniform(0, 2 * std::numbers::pi);
    ripple.amplitude = roughness * rng.uniform(0.2, 0.7);
  }
  reach_mm_ = radii_.maxCoeff() * (1 + 3 * roughness);
}

double Blob::distance(const Eigen::Vector3d& point) const {
  const Eigen::Vector3d offset = point - centre_;
  const double away = offset.norm();
  if (away > reach_mm_ + kFarMargin) {
    return away - reach_mm_;
  }
  const Eigen::Vector3d local = axes_.transpose() * offset;
  double swell = 1;
  const Eigen::Vector3d direction = local / std::max(away, 1e-6);
  for (const Ripple& ripple : ripples_) {
    swell += ripple.amplitude * std::sin(ripple.direction.dot(direction) + ripple.phase);
  }
  const Eigen::Vector3d scaled = local.cwiseQuotient(radii_ * swell);
  const double level = scaled.norm();
  const double slope = scaled.cwiseQuotient(radii_ * swell).norm();
  return level * (level - 1) / std::max(slope, 1e-9);
}

Blob Blob::shrunk(double margin_mm) const {
  Blob inner = *this;
  inner.radii_ = (radii_.array() - margin_mm).cwiseMax(1.0).matrix();
  return inner;
}

Eigen::Vector3d Blob::point_inside(Rng& rng, double share) const {
  return centre_ + axes_ * (shapes_random_direction(rng).cwiseProduct(radii_) * share);
}

Tube::Tube(std::vector<Eigen::Vector3d> points, double first_radius_mm, double last_radius_mm)
    : points_(std::move(points)),
      first_radius_mm_(first_radius_mm),
      last_radius_mm_(last_radius_mm) {
  middle_ = Eigen::Vector3d::Zero();
  for (const Eigen::Vector3d& point : points_) {
    middle_ += point / static_cast<double>(points_.size());
  }
  reach_mm_ = 0;
  for (const Eigen::Vector3d& point : points_) {
    reach_mm_ = std::max(reach_mm_, (point - middle_).norm());
  }
  reach_mm_ += std::max(first_radius_mm_, last_radius_mm_);
}

double Tube::distance(const Eigen::Vector3d& point) const {
  const double away = (point - middle_).norm();
  if (away > reach_mm_ + kFarMargin) {
    return away - reach_mm_;
  }
  double nearest = 1e9;
  const double segments = static_cast<double>(points_.size() - 1);
  for (std::size_t n = 0; n + 1 < points_.size(); ++n) {
    const Eigen::Vector3d step = points_[n + 1] - points_[n];
    const double along = std::clamp((point - points_[n]).dot(step) / step.squaredNorm(), 0.0, 1.0);
    const double share = (static_cast<double>(n) + along) / segments;
    const double radius = first_radius_mm_ + (last_radius_mm_ - first_radius_mm_) * share;
    nearest = std::min(nearest, (point - points_[n] - along * step).norm() - radius);
  }
  return nearest;
}

double coverage(double distance, double width_mm) {
  return std::clamp(0.5 - distance / width_mm, 0.0, 1.0);
}

double smooth_union(double a, double b, double rounding_mm) {
  const double h = std::max(rounding_mm - std::abs(a - b), 0.0) / rounding_mm;
  return std::min(a, b) - h * h * rounding_mm * 0.25;
}

double value_noise(std::uint64_t key, const Eigen::Vector3d& point) {
  const Eigen::Vector3d floor = point.array().floor().matrix();
  const auto x = static_cast<std::int64_t>(floor.x());
  const auto y = static_cast<std::int64_t>(floor.y());
  const auto z = static_cast<std::int64_t>(floor.z());
  const Eigen::Vector3d f = point - floor;
  const Eigen::Vector3d s = (f.array().square() * (3.0 - 2.0 * f.array())).matrix();
  double sum = 0;
  for (int corner = 0; corner < 8; ++corner) {
    const int dx = corner & 1;
    const int dy = (corner >> 1) & 1;
    const int dz = corner >> 2;
    const double weight = (dx == 1 ? s.x() : 1 - s.x()) * (dy == 1 ? s.y() : 1 - s.y()) *
                          (dz == 1 ? s.z() : 1 - s.z());
    sum += weight * shapes_lattice(key, x + dx, y + dy, z + dz);
  }
  return sum;
}

Eigen::Matrix3d rotation(const Eigen::Vector3d& angles) {
  return (Eigen::AngleAxisd(angles.z(), Eigen::Vector3d::UnitZ()) *
          Eigen::AngleAxisd(angles.y(), Eigen::Vector3d::UnitY()) *
          Eigen::AngleAxisd(angles.x(), Eigen::Vector3d::UnitX()))
      .toRotationMatrix();
}

}  // namespace marrow
