#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "clinical/metrics/classification.h"
#include "clinical/probes/feature_set.h"

namespace marrow {

enum class ProbeMetric { kAccuracy, kBalancedAccuracy, kMacroAuroc, kMacroF1 };

inline constexpr std::array kProbeMetrics = {ProbeMetric::kAccuracy,
                                             ProbeMetric::kBalancedAccuracy,
                                             ProbeMetric::kMacroAuroc,
                                             ProbeMetric::kMacroF1};

// "accuracy", "balanced_accuracy", "macro_auroc", "macro_f1".
[[nodiscard]] std::string_view metric_name(ProbeMetric metric);

// What is known about the test cases, in the order of their scores. One of the two is filled.
struct ProbeTargets {
  std::int64_t classes = 0;
  std::vector<std::int64_t> labels;
  TargetTable findings;

  [[nodiscard]] bool operator==(const ProbeTargets&) const = default;
};

// Scores of one probe on the test cases, ready to be measured on many resamples of them: what has
// to be sorted is sorted once.
//
// One label per case; the prediction is the class of the highest score, the first of equals:
//   accuracy           share of right predictions
//   balanced accuracy  mean recall of the classes that have test cases
//   macro AUROC        mean one-vs-rest AUROC of the classes with test cases in and outside them
//   macro F1           mean F1 of the classes that occur in labels or predictions
// Findings; predicted from a score of 0.5:
//   accuracy           share of right predictions over cases and findings
//   balanced accuracy  mean of (sensitivity + specificity) / 2 of findings with both kinds of cases
//   macro AUROC        mean AUROC of such findings
//   macro F1           mean F1 of having the finding, of those that occur in labels or predictions
// Empty where no class or finding is left to average: AUROC of test cases of one class, for one.
class ProbeScores {
 public:
  // scores: [M x K], finite. Throws Error{kInvalidArgument} for other sizes.
  ProbeScores(const ProbeTargets& targets, const ScoreTable& scores);

  // counts: how often each of the M cases is in the resample.
  [[nodiscard]] std::optional<double> measure(ProbeMetric metric,
                                              std::span<const double> counts) const;
  // Each case once.
  [[nodiscard]] std::optional<double> measure(ProbeMetric metric) const;

 private:
  struct Column {
    std::vector<std::uint8_t> positive;
    std::vector<std::uint8_t> predicted;
    std::vector<std::uint32_t> order;  // cases by rising score
    std::vector<std::uint8_t> tied;    // at a place of `order`: same score as the one before
  };

  [[nodiscard]] static std::optional<double> auroc_of(const Column& column,
                                                      std::span<const double> counts);

  bool multi_label_ = false;
  std::size_t cases_ = 0;
  std::vector<Column> columns_;
};

}  // namespace marrow
