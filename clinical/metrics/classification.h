#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace marrow {

// One row per example, one column per class.
using ScoreTable = std::vector<std::vector<double>>;
using TargetTable = std::vector<std::vector<int>>;

// Area under the ROC curve: the chance that a positive example scores above a negative one, ties
// counting half. Empty when one of the two groups is empty. positive[i] is 0 or 1. NaN scores are
// Error{kInvalidArgument}.
[[nodiscard]] std::optional<double> auroc(const std::vector<int>& positive,
                                          const std::vector<double>& scores);

struct MeanAuroc {
  std::vector<std::optional<double>> per_class;
  std::optional<double> mean;          // over the classes that have one
  std::vector<std::int64_t> excluded;  // classes without a positive or without a negative example
};

// One-vs-rest over the classes of one label per example.
[[nodiscard]] MeanAuroc macro_auroc(const std::vector<std::int64_t>& labels,
                                    const ScoreTable& scores);
// Several 0/1 findings per example; classes without positives (or negatives) are excluded and
// named.
[[nodiscard]] MeanAuroc multilabel_auroc(const TargetTable& targets, const ScoreTable& scores);

[[nodiscard]] double accuracy(const std::vector<std::int64_t>& labels,
                              const std::vector<std::int64_t>& predicted);

struct F1Scores {
  std::vector<double> per_class;
  double macro = 0.0;  // mean over the classes that occur in labels or predictions
  double micro = 0.0;  // equals the accuracy for one label per example
};

// 2 * true positives / (labelled + predicted); 0 for a class that occurs in neither, which macro
// leaves out.
[[nodiscard]] F1Scores f1_scores(const std::vector<std::int64_t>& labels,
                                 const std::vector<std::int64_t>& predicted,
                                 std::int64_t classes);

// Mean binary cross entropy over all entries; logits of any size give a finite value.
[[nodiscard]] double bce_with_logits(const TargetTable& targets, const ScoreTable& logits);

}  // namespace marrow
