#pragma once

#include <cstdint>
#include <span>

#include <Eigen/Core>

#include "core/geometry.h"

namespace marrow {

// Source position of output voxel (i, j, k), in voxels: origin + steps * (i, j, k).
struct VoxelMap {
  Eigen::Vector3d origin{0, 0, 0};
  Eigen::Matrix3d steps = Eigen::Matrix3d::Identity();
};

// Trilinear interpolation of `source` (i fastest) at the mapped positions of every voxel of `size`.
// Along an axis of one source voxel all positions must be 0. Positions must lie in [0, n - 1) along
// the others; a caller pads what it reads, so that no voxel needs a test for the border.
void interpolate_linear(std::span<const float> source,
                        const Size3& source_size,
                        const VoxelMap& map,
                        const Size3& size,
                        std::span<float> out);

// The nearest voxel, halves rounded up. Same conditions.
void interpolate_nearest(std::span<const std::uint8_t> source,
                         const Size3& source_size,
                         const VoxelMap& map,
                         const Size3& size,
                         std::span<std::uint8_t> out);

}  // namespace marrow
