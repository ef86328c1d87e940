#pragma once

#include <cstdint>
#include <vector>

#include <Eigen/Core>

#include "core/geometry.h"

namespace marrow {

// Squared Euclidean distance in mm^2 from every voxel centre to the nearest voxel with `feature` !=
// 0; infinity everywhere when there is none. Exact up to float64 rounding, on anisotropic grids, in
// time linear in the voxels.
//
// feature: size[0] * size[1] * size[2] values, i fastest. spacing: mm.
//
// Source: Felzenszwalb & Huttenlocher 2012 (lower envelope of parabolas, one axis after another).
[[nodiscard]] std::vector<double> squared_distances_mm(const std::vector<std::uint8_t>& feature,
                                                       const Size3& size,
                                                       const Eigen::Vector3d& spacing);

}  // namespace marrow
