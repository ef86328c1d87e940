#include "clinical/metrics/classification.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"

namespace marrow {

namespace {

void check_rows(std::size_t a, std::size_t b, const char* what) {
  if (a != b || a == 0) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(what) + ": expected as many labels as scores and at least one, found " +
                    std::to_string(a) + " and " + std::to_string(b));
  }
}

std::size_t checked_columns(const ScoreTable& scores, const char* what) {
  const std::size_t columns = scores.front().size();
  for (const auto& row : scores) {
    if (row.size() != columns || columns == 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  std::string(what) + ": every row of scores must have one entry per class");
    }
  }
  return columns;
}

// `positive(row, class)` says what to rank against the column of scores.
template <class Positive>
MeanAuroc mean_auroc(const ScoreTable& scores, std::size_t classes, Positive positive) {
  MeanAuroc result;
  double sum = 0.0;
  std::size_t counted = 0;
  std::vector<int> truth(scores.size());
  std::vector<double> column(scores.size());
  for (std::size_t k = 0; k < classes; ++k) {
    for (std::size_t i = 0; i < scores.size(); ++i) {
      truth[i] = positive(i, k) ? 1 : 0;
      column[i] = scores[i][k];
    }
    result.per_class.push_back(auroc(truth, column));
    if (result.per_class.back()) {
      sum += *result.per_class.back();
      ++counted;
    } else {
      result.excluded.push_back(static_cast<std::int64_t>(k));
    }
  }
  if (counted > 0) {
    result.mean = sum / static_cast<double>(counted);
  }
  return result;
}

}  // namespace

std::optional<double> auroc(const std::vector<int>& positive, const std::vector<double>& scores) {
  check_rows(positive.size(), scores.size(), "auroc");
  if (std::any_of(scores.begin(), scores.end(), [](double s) { return std::isnan(s); })) {
    throw Error(ErrorCode::kInvalidArgument, "auroc: a score is not a number");
  }
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return scores[a] < scores[b];
  });
  // Mann-Whitney: pairs (positive, negative) in order, equal scores counting half.
  double pairs = 0.0;
  double positives = 0.0;
  double negatives = 0.0;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    double here = 0.0;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end) {
      here += positive[order[end]] != 0 ? 1.0 : 0.0;
    }
    const double others = static_cast<double>(end - begin) - here;
    pairs += here * (negatives + 0.5 * others);
    positives += here;
    negatives += others;
    begin = end;
  }
  if (positives == 0.0 || negatives == 0.0) {
    return std::nullopt;
  }
  return pairs / (positives * negatives);
}

MeanAuroc macro_auroc(const std::vector<std::int64_t>& labels, const ScoreTable& scores) {
  check_rows(labels.size(), scores.size(), "macro auroc");
  return mean_auroc(
      scores, checked_columns(scores, "macro auroc"), [&](std::size_t i, std::size_t k) {
        return labels[i] == static_cast<std::int64_t>(k);
      });
}

MeanAuroc multilabel_auroc(const TargetTable& targets, const ScoreTable& scores) {
  check_rows(targets.size(), scores.size(), "multi-label auroc");
  const std::size_t classes = checked_columns(scores, "multi-label auroc");
  for (const auto& row : targets) {
    check_rows(row.size(), classes, "multi-label auroc");
  }
  return mean_auroc(
      scores, classes, [&](std::size_t i, std::size_t k) { return targets[i][k] != 0; });
}

double accuracy(const std::vector<std::int64_t>& labels,
                const std::vector<std::int64_t>& predicted) {
  check_rows(labels.size(), predicted.size(), "accuracy");
  std::size_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    right += labels[i] == predicted[i] ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

F1Scores f1_scores(const std::vector<std::int64_t>& labels,
                   const std::vector<std::int64_t>& predicted,
                   std::int64_t classes) {
  check_rows(labels.size(), predicted.size(), "f1");
  const auto K = static_cast<std::size_t>(std::max<std::int64_t>(classes, 0));
  std::vector<double> right(K);
  std::vector<double> counted(K);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (const std::int64_t k : {labels[i], predicted[i]}) {
      if (k < 0 || k >= classes) {
        throw Error(ErrorCode::kInvalidArgument,
                    "f1: found class " + std::to_string(k) + ", expected 0 to " +
                        std::to_string(classes - 1));
      }
      counted[static_cast<std::size_t>(k)] += 1.0;
    }
    right[static_cast<std::size_t>(labels[i])] += labels[i] == predicted[i] ? 1.0 : 0.0;
  }
  F1Scores scores;
  double occurring = 0.0;
  for (std::size_t k = 0; k < K; ++k) {
    scores.per_class.push_back(counted[k] > 0.0 ? 2.0 * right[k] / counted[k] : 0.0);
    scores.macro += scores.per_class.back();
    occurring += counted[k] > 0.0 ? 1.0 : 0.0;
  }
  scores.macro /= occurring;
  scores.micro = accuracy(labels, predicted);
  return scores;
}

double bce_with_logits(const TargetTable& targets, const ScoreTable& logits) {
  check_rows(targets.size(), logits.size(), "binary cross entropy");
  const std::size_t classes = checked_columns(logits, "binary cross entropy");
  double sum = 0.0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    check_rows(targets[i].size(), classes, "binary cross entropy");
    for (std::size_t k = 0; k < classes; ++k) {
      const double x = logits[i][k];
      sum += std::max(x, 0.0) - x * targets[i][k] + std::log1p(std::exp(-std::abs(x)));
    }
  }
  return sum / static_cast<double>(logits.size() * classes);
}

}  // namespace marrow
