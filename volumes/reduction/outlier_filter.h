#pragma once

#include <memory>
#include <string_view>

#include "core/config/options.h"
#include "volumes/reduction/volume_filter.h"

namespace marrow {

struct OutlierFilterOptions {
  static constexpr std::string_view kName = "outlier";

  double limit = 6;
  std::int64_t fewest = 8;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("limit",
          limit,
          Range{1.0, 1000.0},
          "volumes go of which a fact is farther from the median of their modality, in robust "
          "standard deviations");
    visit("fewest",
          fewest,
          Range{3, 1'000'000},
          "volumes that a modality must have before any of it is called odd");
  }
};

// Volumes whose number of voxels, number of slices, spacing, mean, standard deviation or empty
// share lies far from those of their modality (volumes/curation/outliers.h). Labelled and held-out
// ones are compared with but stay.
[[nodiscard]] std::unique_ptr<VolumeFilter> make_outlier(const ConfigSection& options);

}  // namespace marrow
