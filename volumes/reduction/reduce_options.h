#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"
#include "volumes/reduction/slice_pictures.h"

namespace marrow {

// The `reduce:` section; filters have sections of their own, under their names.
struct ReduceOptions {
  static constexpr std::string_view kName = "reduce";

  std::vector<std::string> volume_filters = {"blank", "exact"};
  std::vector<std::string> slice_filters = {"dhash"};
  std::string scope = "volume";
  std::string rule = "greedy_reference";
  std::string order = "anatomical";
  std::string picture = "window";
  std::vector<double> window_hu = {-1000, 1000};
  double keep_share = 0;
  std::vector<double> curve = {};
  std::vector<std::string> compare = {};
  std::string vectors;
  std::string target;
  std::int64_t batch_size = 16;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("volume_filters",
          volume_filters,
          "in this order, on whole volumes: blank, scout, phantom, exact, volume_hash, "
          "volume_embedding, outlier, balance, coreset; [] for none");
    visit("slice_filters",
          slice_filters,
          "in this order, on the slices of what is left: every_n, dhash, phash, ssim, "
          "mutual_information, nmi, entropy, embedding; [] for none");
    visit("scope",
          scope,
          OneOf{{"volume", "patient", "archive"}},
          "among which slices one may stand for another");
    visit("rule",
          rule,
          OneOf{{"greedy_reference", "consecutive"}},
          "greedy_reference: every slice like the first that is left goes; consecutive: a slice "
          "goes when it is like the last one that was kept");
    visit("order",
          order,
          OneOf{{"anatomical", "lexicographic"}},
          "in which slices are visited; lexicographic as published: 0, 1, 10, 11, ..., 2");
    visit("picture",
          picture,
          OneOf{{"window", "legacy_minmax"}},
          "grey values: one window for all CT (other modalities: 0.5th to 99.5th percentile of the "
          "volume), or from each slice's smallest to its largest value, as published");
    visit("window_hu", window_hu, Range{-32768.0, 32767.0}, "low and high in HU, of `window`");
    visit("keep_share",
          keep_share,
          Range{0.0, 1.0},
          "instead of its threshold: the last slice filter keeps this share of what it is given");
    visit("curve", curve, "thresholds of the last slice filter to count what they would keep");
    visit("compare",
          compare,
          "other slice filters, shown at the threshold at which they keep as many slices");
    visit("vectors",
          vectors,
          "file of `marrow embed`, for filters that compare what an encoder sees");
    visit("target",
          target,
          "file of `marrow embed` of a small target set, by the same encoder, for filters that "
          "select towards one");
    visit("batch_size",
          batch_size,
          Range{1, 65536},
          "slices of a step of the training to come, for the page's count of steps");
  }
};

// Throws Error{kInvalidArgument} for options that contradict each other.
void check_reduce(const ReduceOptions& options);

[[nodiscard]] PictureOptions picture_options(const ReduceOptions& options);

}  // namespace marrow
