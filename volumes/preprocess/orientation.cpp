#include "volumes/preprocess/orientation.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace marrow {

AxisMoves canonical_moves(const Geometry& geometry) {
  AxisMoves best;
  double best_sum = -1;
  std::array<std::size_t, 3> from{0, 1, 2};
  do {
    double sum = 0;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      sum += std::abs(geometry.direction(static_cast<Eigen::Index>(axis),
                                         static_cast<Eigen::Index>(from[axis])));
    }
    // The margin keeps rounding in a header from deciding between equals.
    if (sum > best_sum + 1e-9) {
      best_sum = sum;
      best.from = from;
    }
  } while (std::next_permutation(from.begin(), from.end()));
  for (std::size_t axis = 0; axis < 3; ++axis) {
    best.flipped[axis] = geometry.direction(static_cast<Eigen::Index>(axis),
                                            static_cast<Eigen::Index>(best.from[axis])) < 0;
  }
  return best;
}

Geometry reoriented(const Geometry& geometry, const AxisMoves& moves) {
  Size3 size{};
  Eigen::Vector3d spacing;
  Eigen::Matrix3d direction;
  Eigen::Vector3d first = Eigen::Vector3d::Zero();  // index of the voxel that becomes (0, 0, 0)
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto to = static_cast<Eigen::Index>(axis);
    const auto from = static_cast<Eigen::Index>(moves.from[axis]);
    size[axis] = geometry.size[moves.from[axis]];
    spacing[to] = geometry.spacing[from];
    direction.col(to) = (moves.flipped[axis] ? -1.0 : 1.0) * geometry.direction.col(from);
    if (moves.flipped[axis]) {
      first[from] = static_cast<double>(size[axis] - 1);
    }
  }
  return make_geometry(size, spacing, geometry.to_physical(first), direction);
}

Volume reoriented(Volume volume, const AxisMoves& moves) {
  if (moves.nothing()) {
    return volume;
  }
  Volume result = make_grid(reoriented(volume.geometry, moves), 0.0F);
  const Size3& source = volume.geometry.size;
  const std::array<std::int64_t, 3> source_stride{1, source[0], source[0] * source[1]};
  std::array<std::int64_t, 3> stride{};
  std::int64_t start = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::size_t from = moves.from[axis];
    stride[axis] = moves.flipped[axis] ? -source_stride[from] : source_stride[from];
    start += moves.flipped[axis] ? (source[from] - 1) * source_stride[from] : 0;
  }
  const Size3& size = result.geometry.size;
  float* out = result.voxels.data();
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      std::int64_t at = start + j * stride[1] + k * stride[2];
      for (std::int64_t i = 0; i < size[0]; ++i, at += stride[0]) {
        *out++ = volume.voxels[static_cast<std::size_t>(at)];
      }
    }
  }
  return result;
}

}  // namespace marrow
