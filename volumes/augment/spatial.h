#pragma once

#include <array>
#include <cstdint>

#include <Eigen/Core>

#include "core/geometry.h"
#include "volumes/augment/augmenter.h"
#include "volumes/augment/interpolate.h"

namespace marrow {

// The spatial part of one augmentation.
struct SpatialChange {
  std::array<bool, 3> flip{false, false, false};
  std::array<double, 3> degrees{0, 0, 0};  // about the grid axes i, j, k
  double zoom = 1;                         // > 1 magnifies

  // False: at most flips, which move voxels without computing new ones.
  [[nodiscard]] bool interpolates() const {
    return zoom != 1 || degrees[0] != 0 || degrees[1] != 0 || degrees[2] != 0;
  }
};

// Throws Error{kInvalidArgument} when a range of `options` is not two numbers, the smaller first.
void check_augment(const AugmentOptions& options);

// One slice (size 1 along k) is only flipped, turned and zoomed within its plane. With
// `laterality_sensitive` axis i (left to right) is not flipped, and no angle about j or k exceeds
// 90 degrees, so that what lies left in the patient stays on the left of the patch.
[[nodiscard]] SpatialChange draw_spatial(const AugmentOptions& options,
                                         const Size3& size,
                                         std::uint64_t seed);

// The map from output voxels to input voxels, both as offsets from the centre of the patch: mirror,
// then to mm, turn back, undo the zoom, then to voxels again. Rotation happens in mm, so structures
// keep their shape on anisotropic grids.
[[nodiscard]] Eigen::Matrix3d inverse_map(const SpatialChange& change,
                                          const Eigen::Vector3d& spacing_mm,
                                          const Size3& size);

// What has to be read for a patch of `box` under `inverse`, and where its voxels then lie in what
// was read. Every position has its neighbours inside `source`; an axis along which nothing moves
// and which is one voxel thick stays so.
struct SourceRegion {
  Box source;
  VoxelMap map;
};

[[nodiscard]] SourceRegion source_region(const Box& box, const Eigen::Matrix3d& inverse);

}  // namespace marrow
