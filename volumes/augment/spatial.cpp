#include "volumes/augment/spatial.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <string_view>
#include <vector>

#include <Eigen/Geometry>

#include "core/error.h"

namespace marrow {

namespace {

void check_augment_range(const std::vector<double>& range, std::string_view name) {
  if (range.size() == 2 && range[0] <= range[1]) {
    return;
  }
  std::string found;
  for (const double value : range) {
    found += (found.empty() ? "" : ", ") + internal::to_yaml(value);
  }
  throw Error(ErrorCode::kInvalidArgument,
              "augment." + std::string(name) +
                  ": expected two numbers, the smaller first, found [" + found + "]");
}

struct CropSides {
  double i = 1;
  double j = 1;
};

// As torchvision.transforms.RandomResizedCrop.get_params, in shares of the patch's sides.
CropSides draw_slice_sides(const AugmentOptions& options, Rng& rng) {
  constexpr int kTries = 10;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const double area = rng.uniform(options.crop_scale[0], options.crop_scale[1]);
    const double ratio =
        std::exp(rng.uniform(std::log(options.crop_ratio[0]), std::log(options.crop_ratio[1])));
    const CropSides sides{std::sqrt(area * ratio), std::sqrt(area / ratio)};
    if (sides.i <= 1 && sides.j <= 1) {
      return sides;
    }
  }
  const double ratio = std::clamp(1.0, options.crop_ratio[0], options.crop_ratio[1]);
  return {std::min(1.0, ratio), std::min(1.0, 1 / ratio)};
}

void draw_crop(const AugmentOptions& options, const Size3& size, Rng rng, SpatialChange& change) {
  if (!rng.chance(options.crop)) {
    return;
  }
  if (size[2] == 1) {
    const CropSides sides = draw_slice_sides(options, rng);
    change.crop_share = {sides.i, sides.j, 1};
  } else {
    change.crop_share.setConstant(
        std::cbrt(rng.uniform(options.crop_scale[0], options.crop_scale[1])));
  }
  for (Eigen::Index axis = 0; axis < 3; ++axis) {
    const double spare =
        (1 - change.crop_share[axis]) * static_cast<double>(size[static_cast<std::size_t>(axis)]);
    change.crop_shift[axis] = spare * rng.uniform(-0.5, 0.5);
  }
}

}  // namespace

void check_augment(const AugmentOptions& options) {
  check_augment_range(options.scale_range, "scale_range");
  check_augment_range(options.crop_scale, "crop_scale");
  check_augment_range(options.crop_ratio, "crop_ratio");
  for (const std::string& axis : options.flip_axes) {
    if (axis != "left-right" && axis != "front-back" && axis != "foot-head") {
      throw Error(ErrorCode::kInvalidArgument,
                  "augment.flip_axes: expected left-right, front-back or foot-head, found \"" +
                      axis + "\"");
    }
  }
  check_augment_range(options.brightness_range, "brightness_range");
  check_augment_range(options.contrast_range, "contrast_range");
  check_augment_range(options.gamma_range, "gamma_range");
  check_augment_range(options.blur_sigma, "blur_sigma");
}

SpatialChange draw_spatial(const AugmentOptions& options, const Size3& size, std::uint64_t seed) {
  Rng rng(seed, "spatial", {});
  const bool one_slice = size[2] == 1;
  SpatialChange change;
  static const std::array<std::string, 3> kAxisNames = {"left-right", "front-back", "foot-head"};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const bool drawn = rng.chance(options.flip);  // always drawn, so that other choices do not move
    change.flip[axis] =
        drawn && std::find(options.flip_axes.begin(), options.flip_axes.end(), kAxisNames[axis]) !=
                     options.flip_axes.end();
  }
  change.flip[0] = change.flip[0] && !options.laterality_sensitive;
  change.flip[2] = change.flip[2] && !one_slice;
  if (rng.chance(options.rotate)) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const bool moves_left = axis != 0;
      const double limit = options.laterality_sensitive && moves_left
                               ? std::min(options.rotate_degrees, 90.0)
                               : options.rotate_degrees;
      const double angle = rng.uniform(-limit, limit);
      change.degrees[axis] = one_slice && axis != 2 ? 0.0 : angle;
    }
  }
  if (rng.chance(options.scale)) {
    change.zoom = rng.uniform(options.scale_range[0], options.scale_range[1]);
  }
  draw_crop(options, size, Rng(seed, "crop", {}), change);
  return change;
}

Eigen::Matrix3d inverse_map(const SpatialChange& change,
                            const Eigen::Vector3d& spacing_mm,
                            const Size3& size) {
  const auto turn = [&change](int axis) {
    const double radians = change.degrees[static_cast<std::size_t>(axis)] * std::numbers::pi / 180;
    return Eigen::AngleAxisd(radians, Eigen::Vector3d::Unit(axis)).toRotationMatrix();
  };
  const Eigen::Matrix3d rotation = turn(2) * turn(1) * turn(0);
  const Eigen::Vector3d zoom(change.zoom, change.zoom, size[2] == 1 ? 1.0 : change.zoom);
  const Eigen::Vector3d mirror(
      change.flip[0] ? -1 : 1, change.flip[1] ? -1 : 1, change.flip[2] ? -1 : 1);
  const Eigen::Vector3d to_voxels =
      change.crop_share.array() * (spacing_mm.array() * zoom.array()).inverse();
  const Eigen::Vector3d to_mm = spacing_mm.cwiseProduct(mirror);
  Eigen::Matrix3d inverse = to_voxels.asDiagonal() * rotation.transpose() * to_mm.asDiagonal();
  // cos(90 degrees) is 6e-17 in double: what is meant as 0 or 1 shall be just that.
  for (double& entry : inverse.reshaped()) {
    const double whole = std::round(entry);
    entry = std::abs(entry - whole) < 1e-12 ? whole : entry;
  }
  return inverse;
}

SourceRegion source_region(const Box& box,
                           const Eigen::Matrix3d& inverse,
                           const Eigen::Vector3d& shift) {
  // Rounding in float moves a position by less than this, for boxes of up to a thousand voxels.
  constexpr double kMargin = 1e-3;
  SourceRegion region;
  region.map.steps = inverse;
  for (int row = 0; row < 3; ++row) {
    const auto axis = static_cast<std::size_t>(row);
    const double centre = static_cast<double>(box.start[axis]) +
                          static_cast<double>(box.size[axis] - 1) / 2 + shift[row];
    double origin = centre;
    double reach = 0;  // to either side of the centre
    for (int column = 0; column < 3; ++column) {
      const double half = static_cast<double>(box.size[static_cast<std::size_t>(column)] - 1) / 2;
      origin -= inverse(row, column) * half;
      reach += std::abs(inverse(row, column)) * half;
    }
    const bool still = reach == 0 && centre == std::floor(centre);
    const double low = still ? centre : std::floor(centre - reach - kMargin);
    const double high = still ? centre : std::floor(centre + reach + kMargin) + 1;
    region.source.start[axis] = static_cast<std::int64_t>(low);
    region.source.size[axis] = static_cast<std::int64_t>(high - low) + 1;
    region.map.origin[row] = origin - low;
  }
  return region;
}

}  // namespace marrow
