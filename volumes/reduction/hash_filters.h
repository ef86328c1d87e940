#pragma once

#include "volumes/reduction/redundancy_filter.h"

namespace marrow {

struct DifferenceHashOptions {
  static constexpr std::string_view kName = "dhash";

  std::int64_t threshold = 6;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("threshold",
          threshold,
          Range{0, 64},
          "slices whose hashes differ in at most so many of 64 bits are alike; 6 was published");
  }
};

struct PerceptualHashOptions {
  static constexpr std::string_view kName = "phash";

  std::int64_t threshold = 6;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("threshold",
          threshold,
          Range{0, 64},
          "slices whose hashes differ in at most so many of 64 bits are alike");
  }
};

// Hashes of slices (volumes/fingerprints/slice_hash.h) that differ in few bits. With dhash,
// greedy_reference and a threshold of 6 within each volume: "Hash-6" of Wolf et al. 2024.
[[nodiscard]] std::unique_ptr<SliceFilter> make_dhash(const ConfigSection& options,
                                                      SelectionRule rule);
[[nodiscard]] std::unique_ptr<SliceFilter> make_phash(const ConfigSection& options,
                                                      SelectionRule rule);

}  // namespace marrow
