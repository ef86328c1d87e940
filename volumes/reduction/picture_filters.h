#pragma once

#include "volumes/reduction/redundancy_filter.h"

namespace marrow {

struct SsimOptions {
  static constexpr std::string_view kName = "ssim";

  double threshold = 0.8;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("threshold",
          threshold,
          Range{-1.0, 1.0},
          "slices whose structural similarity reaches this are alike");
  }
};

struct MutualInformationOptions {
  static constexpr std::string_view kName = "mutual_information";

  double bits = 1.5;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("bits", bits, Range{0.0, 6.0}, "slices that share so many bits are alike");
  }
};

struct NormalisedInformationOptions {
  static constexpr std::string_view kName = "nmi";

  double threshold = 0.5;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("threshold",
          threshold,
          Range{0.0, 1.0},
          "slices whose shared information, divided by the mean of their entropies, reaches this "
          "are alike");
  }
};

// Slices compared pixel by pixel, at 224 x 224 (volumes/reduction/slice_similarity.h).
[[nodiscard]] std::unique_ptr<SliceFilter> make_ssim(const ConfigSection& options,
                                                     SelectionRule rule);
[[nodiscard]] std::unique_ptr<SliceFilter> make_mutual_information(const ConfigSection& options,
                                                                   SelectionRule rule);
[[nodiscard]] std::unique_ptr<SliceFilter> make_nmi(const ConfigSection& options,
                                                    SelectionRule rule);

}  // namespace marrow
