#pragma once

#include <array>
#include <cstdint>

#include "core/geometry.h"
#include "core/volume.h"

namespace marrow {

// How an axis of one grid maps onto the index along another: index = offset + step * target index.
struct AxisMap {
  std::size_t axis = 0;  // of the grid that is read
  double offset = 0;
  double step = 1;
};

// For each axis of `target`, the axis of `grid` that runs along it. Throws Error{kRefused} when the
// axes are not parallel within a quarter of a voxel over the whole extent.
[[nodiscard]] std::array<AxisMap, 3> aligned_axes(const Geometry& grid, const Geometry& target);

// The grid of the same extent and centre with the wanted spacing. The number of voxels is rounded
// up (a remainder of 1 % of a voxel is ignored), so that every voxel centre of `grid` lies inside.
// An axis keeps its own spacing where it has one voxel, or where the wanted spacing is the same
// within 1e-3. Throws Error{kResources} over 2^31 voxels.
[[nodiscard]] Geometry resampled_geometry(const Geometry& grid, const Eigen::Vector3d& spacing_mm);

// The grid of the same centre whose longer side in the plane of the first two axes (by its extent
// in mm) has `fit_size` >= 1 voxels. In that plane voxels become squares, so that shapes stay as
// they are; the shorter side has as many as cover it (a remainder of 1 % of a voxel is ignored), at
// least one. The third axis stays as it is. Throws Error{kResources} over 2^31 voxels.
[[nodiscard]] Geometry fitted_geometry(const Geometry& grid, std::int64_t fit_size);

// Separable cubic convolution (Keys 1981, a = -0.5: exact for parabolas inside the grid) onto
// `target`, whose axes run along those of the volume. Where an axis becomes coarser the kernel is
// widened by the ratio and its weights brought to a sum of 1, so that detail that the new grid
// cannot hold is averaged away instead of aliased. Beyond the edge the edge voxel is repeated.
[[nodiscard]] Volume resampled(Volume volume, const Geometry& target);

}  // namespace marrow
