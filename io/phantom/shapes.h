#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <Eigen/Core>

#include "core/rng.h"

// The soft geometry that synthetic anatomy is made of. All points are patient coordinates (LPS,
// mm); every distance is signed, in mm, negative inside, and exact enough for partial-volume
// weights near the surface.
namespace marrow {

// A smooth displacement: a few long sine waves, so that no two patients have the same arrangement.
class SmoothWarp {
 public:
  // Displaces by at most about `amplitude_mm` along each axis.
  SmoothWarp(Rng& rng, double amplitude_mm);
  [[nodiscard]] Eigen::Vector3d operator()(const Eigen::Vector3d& point) const;

 private:
  struct Wave {
    Eigen::Vector3d direction;  // radians per mm
    Eigen::Vector3d amplitude;  // mm
    double phase;
  };

  std::array<Wave, 5> waves_;
};

// An ellipsoid whose radius varies with direction.
class Blob {
 public:
  // `tilt`: rotation about the axes L, P, S in radians. `roughness`: relative variation of the
  // radius, 0 to about 0.3.
  Blob(Rng& rng,
       const Eigen::Vector3d& centre,
       const Eigen::Vector3d& radii,
       const Eigen::Vector3d& tilt,
       double roughness);
  [[nodiscard]] double distance(const Eigen::Vector3d& point) const;

  [[nodiscard]] const Eigen::Vector3d& centre() const { return centre_; }

  // The same shape with radii shrunk by `margin_mm`.
  [[nodiscard]] Blob shrunk(double margin_mm) const;
  // A point inside, at `share` of the radius in a random direction.
  [[nodiscard]] Eigen::Vector3d point_inside(Rng& rng, double share) const;

 private:
  struct Ripple {
    Eigen::Vector3d direction;
    double phase;
    double amplitude;
  };

  Eigen::Vector3d centre_;
  Eigen::Vector3d radii_;
  Eigen::Matrix3d axes_;
  std::array<Ripple, 4> ripples_;
  double reach_mm_;
};

// A tube along a polyline, its radius falling linearly from the first to the last point.
class Tube {
 public:
  Tube(std::vector<Eigen::Vector3d> points, double first_radius_mm, double last_radius_mm);
  [[nodiscard]] double distance(const Eigen::Vector3d& point) const;

 private:
  std::vector<Eigen::Vector3d> points_;
  double first_radius_mm_;
  double last_radius_mm_;
  Eigen::Vector3d middle_;
  double reach_mm_;
};

// Share of a voxel of width `width_mm` that lies inside a surface at `distance`.
[[nodiscard]] double coverage(double distance, double width_mm);

// Union with a rounded seam of about `rounding_mm`.
[[nodiscard]] double smooth_union(double a, double b, double rounding_mm);

// Smooth random texture in about [-1, 1], a pure function of `key` and the point; details of about
// 1 unit.
[[nodiscard]] double value_noise(std::uint64_t key, const Eigen::Vector3d& point);

// Rotation about L, then P, then S.
[[nodiscard]] Eigen::Matrix3d rotation(const Eigen::Vector3d& angles);

}  // namespace marrow
