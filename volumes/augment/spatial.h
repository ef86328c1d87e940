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
  // The part of the box that becomes the patch: its share of every side, and how far its centre
  // lies off the box's, in voxels.
  Eigen::Vector3d crop_share{1, 1, 1};
  Eigen::Vector3d crop_shift{0, 0, 0};

  // False: at most flips, which move voxels without computing new ones.
  [[nodiscard]] bool interpolates() const {
    return zoom != 1 || crop_share != Eigen::Vector3d::Ones() || degrees[0] != 0 ||
           degrees[1] != 0 || degrees[2] != 0;
  }
};

// Throws Error{kInvalidArgument} when a range of `options` is not two numbers, the smaller first.
void check_augment(const AugmentOptions& options);

// One slice (size 1 along k) is only flipped, turned and zoomed within its plane. With
// `laterality_sensitive` axis i (left to right) is not flipped, and no angle about j or k exceeds
// 90 degrees, so that what lies left in the patient stays on the left of the patch.
//
// A crop is torchvision's RandomResizedCrop with places and sides that need not be whole voxels: of
// one slice, a share of the area drawn uniformly and an aspect ratio (1: that of the patch) drawn
// uniformly in its logarithm, up to ten times until the part fits, else the largest central part of
// an allowed ratio; anywhere in the patch, each place equally likely. Of a thicker patch, a share
// of the volume, all sides alike. It has a random stream of its own, so that the other choices of a
// seed do not depend on it.
[[nodiscard]] SpatialChange draw_spatial(const AugmentOptions& options,
                                         const Size3& size,
                                         std::uint64_t seed);

// The map from output voxels to input voxels, both as offsets from the centre of the patch: mirror,
// then to mm, turn back, undo the zoom, then to voxels again, and into the part that was cropped
// (whose centre lies `crop_shift` off the origin of the offsets). Rotation happens in mm, so
// structures keep their shape on anisotropic grids.
[[nodiscard]] Eigen::Matrix3d inverse_map(const SpatialChange& change,
                                          const Eigen::Vector3d& spacing_mm,
                                          const Size3& size);

// What has to be read for a patch of `box` under `inverse`, with the centre of what is shown
// `shift` voxels off the box's, and where its voxels then lie in what was read. Every position has
// its neighbours inside `source`; an axis along which nothing moves and which is one voxel thick
// stays so.
struct SourceRegion {
  Box source;
  VoxelMap map;
};

[[nodiscard]] SourceRegion source_region(const Box& box,
                                         const Eigen::Matrix3d& inverse,
                                         const Eigen::Vector3d& shift = {0, 0, 0});

}  // namespace marrow
