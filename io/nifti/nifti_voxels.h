#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "io/nifti/nifti.h"

namespace marrow {

struct VoxelCounts {
  std::int64_t non_finite = 0;
  std::int64_t inexact = 0;  // 64-bit integers beyond 2^53
};

// Stored voxels -> float after the header's scaling. `raw` holds out.size() voxels of
// header.datatype.
void convert_nifti_voxels(const NiftiHeader& header,
                          std::span<const std::byte> raw,
                          std::span<float> out,
                          VoxelCounts& counts);

// Stored voxels -> labels. Throws Error{kRefused} naming the first voxel that is not an integer in
// [0, 65535]; `first_voxel` is its index in the volume. A header that scales may miss an integer by
// 1e-4.
void convert_nifti_labels(const NiftiHeader& header,
                          std::span<const std::byte> raw,
                          std::span<std::uint16_t> out,
                          std::int64_t first_voxel,
                          const std::string& name);

}  // namespace marrow
