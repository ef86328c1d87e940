#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <Eigen/Core>

namespace marrow {

// Number of voxels along i, j, k; i is the fastest axis in memory.
using Size3 = std::array<std::int64_t, 3>;

// A voxel grid in patient space. Physical coordinates are LPS, in mm.
//
// Invariants, checked once in make_geometry: size >= 1, spacing > 0 and finite, direction
// orthonormal within 1e-4 (it may be left-handed), the number of voxels fits 2^40.
struct Geometry {
  Size3 size{1, 1, 1};
  Eigen::Vector3d spacing{1, 1, 1};  // mm along i, j, k
  Eigen::Vector3d origin{0, 0, 0};   // LPS position of the centre of voxel (0, 0, 0), mm
  // Column c is the unit vector of grid axis c in LPS.
  Eigen::Matrix3d direction = Eigen::Matrix3d::Identity();

  [[nodiscard]] std::int64_t voxels() const { return size[0] * size[1] * size[2]; }

  // Continuous voxel index -> LPS mm, and back.
  [[nodiscard]] Eigen::Vector3d to_physical(const Eigen::Vector3d& index) const;
  [[nodiscard]] Eigen::Vector3d to_index(const Eigen::Vector3d& physical) const;

  // 4x4 index -> LPS mm.
  [[nodiscard]] Eigen::Matrix4d affine() const;
};

// Throws Error{kInvalidArgument} naming the first violated invariant.
[[nodiscard]] Geometry make_geometry(const Size3& size,
                                     const Eigen::Vector3d& spacing,
                                     const Eigen::Vector3d& origin,
                                     const Eigen::Matrix3d& direction);

// From a 4x4 index -> LPS affine; the columns must be orthogonal within 1e-3 (relative), else
// Error{kUnsupported}
// ("sheared grid"). Columns up to 1e-3 off are replaced by the nearest rotation (polar part).
[[nodiscard]] Geometry geometry_from_affine(const Size3& size, const Eigen::Matrix4d& affine);

// Tolerances of the label-image agreement rule: spacing 1e-3 relative, origin 1e-2 mm, direction
// 1e-4. Returns an empty string when both describe the same grid, else one phrase naming the first
// difference with both values.
[[nodiscard]] std::string geometry_difference(const Geometry& a, const Geometry& b);

// "35x51x35 voxels of 1x1x1 mm at (0, 0, 0)".
[[nodiscard]] std::string describe(const Geometry& geometry);

}  // namespace marrow
