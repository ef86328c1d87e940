#pragma once

#include "volumes/reduction/volume_filter.h"

namespace marrow {

struct ExactOptions {
  static constexpr std::string_view kName = "exact";

  template <class Visit>
  void describe(Visit&&) {}
};

struct VolumeHashOptions {
  static constexpr std::string_view kName = "volume_hash";

  std::int64_t threshold = 12;
  double slice_bits = 2;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("threshold",
          threshold,
          Range{0, 192},
          "volumes whose hashes differ in at most so many of 192 bits are the same scan");
    visit("slice_bits",
          slice_bits,
          Range{0.0, 64.0},
          "and whose slices' perceptual hashes differ in at most so many of 64 bits, in the mean; "
          "64: whatever the slices show");
  }
};

// Volumes with the same voxels, whatever their files' format and wherever they say to lie.
[[nodiscard]] std::unique_ptr<VolumeFilter> make_exact(const ConfigSection& options);
// Volumes whose bodies look alike (CaseFingerprint::hash), and whose slices do: other kernels,
// other exports. Bodies alone are not enough: directions and times of one series have the same. A
// scan of few slices says too little of its body, and is compared only with one of as many.
[[nodiscard]] std::unique_ptr<VolumeFilter> make_volume_hash(const ConfigSection& options);

}  // namespace marrow
