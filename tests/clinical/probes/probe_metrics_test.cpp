#include "clinical/probes/probe_metrics.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/rng.h"

namespace marrow {
namespace {

ScoreTable random_scores(std::size_t cases, std::size_t classes) {
  Rng rng(9);
  ScoreTable scores(cases, std::vector<double>(classes));
  for (auto& row : scores) {
    for (double& score : row) {
      score = static_cast<double>(rng.below(10)) / 10;  // with ties
    }
  }
  return scores;
}

TEST(ProbeMetrics, AreWhatCanBeCountedByHand) {
  const ProbeTargets targets{3, {0, 0, 0, 1}, {}};
  // Predicted 0, 0, 1, 1; nothing is of class 2.
  const ProbeScores scores(targets, {{.8, .1, .1}, {.6, .4, 0}, {.4, .6, 0}, {.1, .5, .4}});

  EXPECT_DOUBLE_EQ(*scores.measure(ProbeMetric::kAccuracy), 0.75);
  EXPECT_DOUBLE_EQ(*scores.measure(ProbeMetric::kBalancedAccuracy), (2.0 / 3 + 1) / 2);
  // Class 0 ranks all three pairs right; class 1 two of three.
  EXPECT_DOUBLE_EQ(*scores.measure(ProbeMetric::kMacroAuroc), (1 + 2.0 / 3) / 2);
  EXPECT_DOUBLE_EQ(*scores.measure(ProbeMetric::kMacroF1), (0.8 + 2.0 / 3) / 2);
}

TEST(ProbeMetrics, AgreeWithTheMetricsOfEvaluation) {
  ProbeTargets targets{4, {}, {}};
  Rng rng(4);
  std::vector<std::int64_t> predicted;
  const ScoreTable table = random_scores(60, 4);
  for (std::size_t n = 0; n < 60; ++n) {
    targets.labels.push_back(rng.below(4));
    predicted.push_back(std::max_element(table[n].begin(), table[n].end()) - table[n].begin());
  }

  const ProbeScores scores(targets, table);

  EXPECT_NEAR(
      *scores.measure(ProbeMetric::kMacroAuroc), *macro_auroc(targets.labels, table).mean, 1e-12);
  EXPECT_NEAR(
      *scores.measure(ProbeMetric::kMacroF1), f1_scores(targets.labels, predicted, 4).macro, 1e-12);
  EXPECT_NEAR(*scores.measure(ProbeMetric::kAccuracy), accuracy(targets.labels, predicted), 1e-12);
}

TEST(ProbeMetrics, CountRepeatedCasesAsOftenAsTheyAreDrawn) {
  const ProbeTargets targets{2, {0, 1, 1, 0}, {}};
  const ScoreTable table = {{.9, .1}, {.2, .8}, {.6, .4}, {.3, .7}};
  const ProbeTargets repeated{2, {0, 0, 1, 0}, {}};
  const ScoreTable repeated_table = {{.9, .1}, {.9, .1}, {.6, .4}, {.3, .7}};
  const std::vector<double> counts = {2, 0, 1, 1};

  for (const ProbeMetric metric : kProbeMetrics) {
    EXPECT_DOUBLE_EQ(*ProbeScores(targets, table).measure(metric, counts),
                     *ProbeScores(repeated, repeated_table).measure(metric))
        << metric_name(metric);
  }
}

TEST(ProbeMetrics, HaveNoAurocOnTestCasesOfOneClass) {
  const ProbeScores scores({2, {1, 1}, {}}, {{.4, .6}, {.7, .3}});

  EXPECT_FALSE(scores.measure(ProbeMetric::kMacroAuroc).has_value());
  EXPECT_DOUBLE_EQ(*scores.measure(ProbeMetric::kBalancedAccuracy), 0.5);
}

TEST(ProbeMetrics, AverageFindingsThatHaveBothKindsOfCases) {
  const ProbeTargets targets{3, {}, {{1, 0, 0}, {0, 1, 0}, {1, 1, 0}, {0, 0, 0}}};
  const ScoreTable table = {{.9, .1, .2}, {.6, .4, .2}, {.7, .8, .2}, {.1, .2, .2}};
  const ProbeScores scores(targets, table);

  EXPECT_DOUBLE_EQ(*scores.measure(ProbeMetric::kMacroAuroc),
                   *multilabel_auroc(targets.findings, table).mean);
  EXPECT_DOUBLE_EQ(*scores.measure(ProbeMetric::kAccuracy), 10.0 / 12);
  // Sensitivity and specificity: 1 and 1/2; 1/2 and 1; the third finding occurs in no case.
  EXPECT_DOUBLE_EQ(*scores.measure(ProbeMetric::kBalancedAccuracy), 0.75);
  EXPECT_DOUBLE_EQ(*scores.measure(ProbeMetric::kMacroF1), (0.8 + 2.0 / 3) / 2);
}

TEST(ProbeMetrics, RefuseScoresOfOtherSizes) {
  const ProbeTargets targets{2, {0, 1}, {}};

  EXPECT_THROW(ProbeScores(targets, {{.5, .5}}), Error);
  EXPECT_THROW(ProbeScores(targets, {{.5}, {.5}}), Error);
}

}  // namespace
}  // namespace marrow
