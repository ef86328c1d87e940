#include "clinical/probes/probe_metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

namespace {

// How often cases of the four kinds are in a resample.
struct Confusion {
  double right_positive = 0;
  double positive = 0;
  double predicted = 0;
  double all = 0;

  [[nodiscard]] double negative() const { return all - positive; }

  [[nodiscard]] double right_negative() const {
    return all - positive - predicted + right_positive;
  }
};

Confusion confusion_of(const std::vector<std::uint8_t>& positive,
                       const std::vector<std::uint8_t>& predicted,
                       std::span<const double> counts) {
  Confusion sum;
  for (std::size_t n = 0; n < counts.size(); ++n) {
    sum.all += counts[n];
    sum.positive += positive[n] != 0 ? counts[n] : 0.0;
    sum.predicted += predicted[n] != 0 ? counts[n] : 0.0;
    sum.right_positive += positive[n] != 0 && predicted[n] != 0 ? counts[n] : 0.0;
  }
  return sum;
}

std::optional<double> balanced_part(const Confusion& sum, bool multi_label) {
  if (sum.positive == 0 || (multi_label && sum.negative() == 0)) {
    return std::nullopt;
  }
  const double sensitivity = sum.right_positive / sum.positive;
  return multi_label ? 0.5 * (sensitivity + sum.right_negative() / sum.negative()) : sensitivity;
}

std::optional<double> f1_part(const Confusion& sum) {
  if (sum.positive + sum.predicted == 0) {
    return std::nullopt;
  }
  return 2.0 * sum.right_positive / (sum.positive + sum.predicted);
}

}  // namespace

std::string_view metric_name(ProbeMetric metric) {
  switch (metric) {
    case ProbeMetric::kAccuracy:
      return "accuracy";
    case ProbeMetric::kBalancedAccuracy:
      return "balanced_accuracy";
    case ProbeMetric::kMacroAuroc:
      return "macro_auroc";
    case ProbeMetric::kMacroF1:
      return "macro_f1";
  }
  return "";
}

ProbeScores::ProbeScores(const ProbeTargets& targets, const ScoreTable& scores)
    : multi_label_(!targets.findings.empty()), cases_(scores.size()) {
  const std::size_t labelled = multi_label_ ? targets.findings.size() : targets.labels.size();
  const auto classes = static_cast<std::size_t>(targets.classes);
  const bool fitting = std::all_of(scores.begin(), scores.end(), [&](const auto& row) {
    return row.size() == classes &&
           std::all_of(row.begin(), row.end(), [](double score) { return std::isfinite(score); });
  });
  if (cases_ == 0 || labelled != cases_ || classes == 0 || !fitting) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("probe metrics: expected {} finite scores for each of {} labelled cases "
                    "and at least one case, found {} rows of scores; give all cases",
                    classes,
                    labelled,
                    cases_));
  }
  columns_.resize(classes);
  for (std::size_t k = 0; k < classes; ++k) {
    Column& column = columns_[k];
    for (std::size_t n = 0; n < cases_; ++n) {
      const auto highest = std::max_element(scores[n].begin(), scores[n].end());
      const auto best = static_cast<std::size_t>(highest - scores[n].begin());
      const bool positive = multi_label_ ? targets.findings[n][k] != 0
                                         : targets.labels[n] == static_cast<std::int64_t>(k);
      const bool predicted = multi_label_ ? scores[n][k] >= 0.5 : best == k;
      column.positive.push_back(positive ? 1 : 0);
      column.predicted.push_back(predicted ? 1 : 0);
    }
    column.order.resize(cases_);
    std::iota(column.order.begin(), column.order.end(), std::uint32_t{0});
    std::sort(column.order.begin(), column.order.end(), [&](auto a, auto b) {
      return scores[a][k] < scores[b][k];
    });
    column.tied.assign(cases_, 0);
    for (std::size_t place = 1; place < cases_; ++place) {
      column.tied[place] =
          scores[column.order[place]][k] == scores[column.order[place - 1]][k] ? 1 : 0;
    }
  }
}

// As auroc(): the chance that a positive case scores above a negative one, ties counting half.
std::optional<double> ProbeScores::auroc_of(const Column& column, std::span<const double> counts) {
  double pairs = 0;
  double positives = 0;
  double negatives = 0;
  for (std::size_t begin = 0; begin < column.order.size();) {
    double here = 0;
    double others = 0;
    std::size_t end = begin;
    do {
      const std::uint32_t n = column.order[end];
      (column.positive[n] != 0 ? here : others) += counts[n];
      ++end;
    } while (end < column.order.size() && column.tied[end] != 0);
    pairs += here * (negatives + 0.5 * others);
    positives += here;
    negatives += others;
    begin = end;
  }
  if (positives == 0 || negatives == 0) {
    return std::nullopt;
  }
  return pairs / (positives * negatives);
}

std::optional<double> ProbeScores::measure(ProbeMetric metric,
                                           std::span<const double> counts) const {
  MARROW_CHECK(counts.size() == cases_);
  double sum = 0;
  double counted = 0;
  for (const Column& column : columns_) {
    if (metric == ProbeMetric::kMacroAuroc) {
      const std::optional<double> area = auroc_of(column, counts);
      sum += area.value_or(0.0);
      counted += area ? 1.0 : 0.0;
      continue;
    }
    const Confusion confusion = confusion_of(column.positive, column.predicted, counts);
    if (metric == ProbeMetric::kAccuracy) {
      sum += confusion.right_positive + (multi_label_ ? confusion.right_negative() : 0.0);
      counted = multi_label_ ? counted + confusion.all : confusion.all;
      continue;
    }
    const std::optional<double> part = metric == ProbeMetric::kMacroF1
                                           ? f1_part(confusion)
                                           : balanced_part(confusion, multi_label_);
    sum += part.value_or(0.0);
    counted += part ? 1.0 : 0.0;
  }
  return counted > 0 ? std::optional(sum / counted) : std::nullopt;
}

std::optional<double> ProbeScores::measure(ProbeMetric metric) const {
  return measure(metric, std::vector<double>(cases_, 1.0));
}

}  // namespace marrow
