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

  template <class Visit>
  void describe(Visit&& visit) {
    visit("threshold",
          threshold,
          Range{0, 192},
          "volumes whose hashes differ in at most so many of 192 bits are the same scan");
  }
};

// Volumes with the same voxels, whatever their files' format and wherever they say to lie.
[[nodiscard]] std::unique_ptr<VolumeFilter> make_exact(const ConfigSection& options);
// Volumes whose bodies look alike (CaseFingerprint::hash): other kernels, other exports, other air.
// A scan of few slices says too little of its body, and is compared only with one of as many.
[[nodiscard]] std::unique_ptr<VolumeFilter> make_volume_hash(const ConfigSection& options);

}  // namespace marrow
