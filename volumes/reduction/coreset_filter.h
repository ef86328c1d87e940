#pragma once

#include <memory>
#include <string_view>

#include "core/config/options.h"
#include "volumes/reduction/volume_filter.h"

namespace marrow {

// See CoresetOptions (volumes/curation/coreset.h).
struct CoresetFilterOptions {
  static constexpr std::string_view kName = "coreset";

  std::int64_t budget = 0;
  double share = 0;
  std::int64_t centroids = 100;
  double stop_ratio = 0.95;
  std::int64_t stop_round = 20;
  std::int64_t per_target = 50;
  std::int64_t per_patient = 0;
  bool thin_reported = false;
  std::int64_t seed = 0;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("budget",
          budget,
          Range{0, 1'000'000'000},
          "most volumes to choose; 0: as many as the stop rule allows");
    visit("share", share, Range{0.0, 1.0}, "the budget as a share of what there is to choose from");
    visit("centroids",
          centroids,
          Range{0, 1'000'000},
          "k-means of the target set; 0: each of its volumes is one");
    visit("stop_ratio",
          stop_ratio,
          Range{0.0, 1.0},
          "ends before the first round whose mean cosine falls below this share of that of "
          "stop_round; 0: never");
    visit("stop_round", stop_round, Range{1, 1'000'000}, "that later rounds are held against");
    visit("per_target", per_target, Range{1, 1'000'000'000}, "most volumes for each of the target");
    visit("per_patient", per_patient, Range{0, 1'000'000}, "most volumes of a patient; 0: any");
    visit("thin_reported", thin_reported, "a report protects no series, as labels do");
    visit("seed", seed, Range{0, 2'147'483'647}, "of k-means");
  }
};

// Leaves the volumes that lie nearest to a target set (VolumeFilterInput::target) by what an
// encoder sees. Labelled and held-out volumes stay and are not chosen from.
//
// Throws Error{kInvalidArgument} for budget and share together; its drops() also where target and
// items have other numbers of features or are not of length 1.
[[nodiscard]] std::unique_ptr<VolumeFilter> make_coreset(const ConfigSection& options);

}  // namespace marrow
