#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "clinical/probes/knn_probe.h"
#include "clinical/probes/label_draws.h"
#include "clinical/probes/linear_probe.h"
#include "core/config/options.h"

namespace marrow {

// The `probe:` section.
struct ProbeOptions {
  static constexpr std::string_view kName = "probe";

  std::vector<std::string> kinds = {"knn", "linear"};
  std::vector<std::int64_t> budgets = {1, 2, 5, 20};
  std::vector<double> fractions = {1};
  std::int64_t draws = 5;
  std::int64_t seed = 17;
  std::int64_t k = 20;
  double temperature = 0.07;
  std::vector<double> c_grid = {1e-4, 1e-3, 1e-2, 1e-1, 1, 10};
  double c_default = 0.1;
  std::int64_t folds = 5;
  std::string class_weight = "none";
  std::string statistics = "training";
  std::int64_t resamples = 2000;
  double level = 0.95;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("kinds", kinds, "knn, linear");
    visit("budgets",
          budgets,
          Range{1, 1000000},
          "labelled cases per class (or finding), each a row of the result; [] for none");
    visit("fractions",
          fractions,
          Range{1e-6, 1.0},
          "shares of the training cases that are labelled, each a row of the result; 1: all");
    visit("draws", draws, Range{1, 1000}, "times that labelled cases are drawn, for each budget");
    visit("seed", seed, Range{0, 2147483647}, "of draws, folds and resamples");
    visit("k", k, Range{1, 100000}, "nearest neighbours that vote");
    visit("temperature", temperature, Range{1e-4, 100.0}, "votes weigh exp(cosine / temperature)");
    visit("c_grid",
          c_grid,
          Range{1e-8, 1e8},
          "values of C to choose from by cross-validation: 0.5 weights^2 + C sum of the loss");
    visit("c_default", c_default, Range{1e-8, 1e8}, "C where labels are too few for folds");
    visit("folds", folds, Range{2, 20}, "of the cross-validation, at most");
    visit("class_weight",
          class_weight,
          OneOf{{"none", "balanced"}},
          "of the linear probe; balanced: every class counts the same");
    visit("statistics",
          statistics,
          OneOf{{"training", "labelled"}},
          "rows that features are standardised by: all of the training set (their labels are not "
          "read), or the labelled ones");
    visit("resamples", resamples, Range{100, 1000000}, "of the bootstrap over test patients");
    visit("level", level, Range{0.5, 0.999}, "of the intervals");
  }
};

// Throws Error{kInvalidArgument} for options that name no probe, no budget or no C, or an unknown
// probe.
void check_probe(const ProbeOptions& options);

// The budgets, then the fractions.
[[nodiscard]] std::vector<LabelBudget> label_budgets(const ProbeOptions& options);

[[nodiscard]] KnnOptions knn_options(const ProbeOptions& options);
[[nodiscard]] LinearOptions linear_options(const ProbeOptions& options);

}  // namespace marrow
