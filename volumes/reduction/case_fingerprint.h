#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/records.h"
#include "core/volume.h"
#include "volumes/curation/volume_flags.h"
#include "volumes/reduction/slice_pictures.h"

namespace marrow {

struct SliceFingerprint {
  std::uint64_t difference_hash = 0;
  std::uint64_t perceptual_hash = 0;
  float entropy_bits = 0;
  std::int64_t source = 0;  // index along the axis in the source grid
};

// Hash of a volume: its body is shrunk to 5 x 4 x 4, 4 x 5 x 4 and 4 x 4 x 5 means, and a bit says
// for each two neighbours along the axis of five whether the second is larger; 3 x 64 bits.
using VolumeHash = std::array<std::uint64_t, 3>;

// What reducing needs to know of a case, made in one pass over its voxels; 32 bytes a slice.
struct CaseFingerprint {
  std::int64_t axis = 2;  // of the source grid
  std::int64_t voxels = 0;
  std::vector<SliceFingerprint> slices;  // in anatomical order
  // Of all voxels, in canonical orientation (volumes/preprocess/orientation.h), and the size: a
  // scan and its copy in another format have the same, wherever the copy says that it lies.
  std::string voxel_digest;
  VolumeHash hash{};
  std::array<double, 3> spacing_mm{1, 1, 1};  // along i, j, k of the source grid
  double mean = 0, deviation = 0;             // of the finite voxels; 0 where there are none
  double empty_share = 0;                     // share of voxels that equal the smallest value
  double not_finite_share = 0;
  VolumeFlags flags;

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(slices.size()); }
};

[[nodiscard]] CaseFingerprint fingerprint_case(const Volume& volume,
                                               Modality modality,
                                               const PictureOptions& options);

// How many of 192 bits differ.
[[nodiscard]] int hash_distance(const VolumeHash& a, const VolumeHash& b);

}  // namespace marrow
