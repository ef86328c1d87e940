#include "clinical/probes/probe.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "core/config/config.h"
#include "core/error.h"
#include "tests/support/feature_sets.h"

namespace marrow {
namespace {

using testing_support::clouds;

ProbeOptions quick_options() {
  ProbeOptions options;
  options.budgets = {1, 5};
  options.draws = 3;
  options.c_grid = {0.01, 1};
  options.resamples = 200;
  return options;
}

FeatureSet backwards(const FeatureSet& set) {
  std::vector<std::size_t> rows = rows_by_key(set);
  std::reverse(rows.begin(), rows.end());
  return select_rows(set, rows);
}

const ProbeResult& result_of(const ProbeReport& report,
                             const std::string& kind,
                             LabelBudget budget) {
  return *std::find_if(report.results.begin(), report.results.end(), [&](const auto& result) {
    return result.kind == kind && result.budget == budget;
  });
}

TEST(Probe, ReportsEachBudgetForEachKindAndAllLabelsOnce) {
  const ProbeReport report =
      run_probes(clouds(40, 2, 4, 2, 1, "train"), clouds(20, 2, 4, 2, 2, "test"), quick_options());

  ASSERT_EQ(report.results.size(), 6U);
  EXPECT_EQ(report.results[0].kind, "knn");
  EXPECT_EQ(report.results[1].kind, "linear");
  EXPECT_EQ(report.results[1].budget, (LabelBudget{1, 0}));
  EXPECT_EQ(report.results[1].draws.size(), 3U);
  EXPECT_EQ(report.results[1].draws[0].labelled.size(), 2U);
  EXPECT_EQ(report.results[5].draws.size(), 1U);
  EXPECT_EQ(report.results[5].draws[0].labelled.size(), 40U);
  EXPECT_EQ(report.results[5].draws[0].scores.size(), 20U);
  EXPECT_TRUE(report.results[5].draws[0].c_chosen);
  EXPECT_FALSE(report.results[1].draws[0].c_chosen);  // one label each: nothing to choose by
}

TEST(Probe, GivesTheMeanOverDrawsWithinItsInterval) {
  const ProbeReport report =
      run_probes(clouds(40, 2, 4, 1, 1, "train"), clouds(30, 2, 4, 1, 2, "test"), quick_options());

  for (const ProbeResult& result : report.results) {
    for (std::size_t m = 0; m < kProbeMetrics.size(); ++m) {
      double sum = 0;
      for (const ProbeDraw& draw : result.draws) {
        sum += *draw.metrics[m];
      }
      const ProbeSummary& summary = result.summary[m];
      EXPECT_DOUBLE_EQ(*summary.mean, sum / static_cast<double>(result.draws.size()));
      ASSERT_TRUE(summary.interval.has_value());
      EXPECT_LE(summary.interval->low, *summary.mean);
      EXPECT_GE(summary.interval->high, *summary.mean);
      EXPECT_LT(summary.interval->low, summary.interval->high);
    }
  }
}

TEST(Probe, DoesNotDependOnTheOrderOfRows) {
  const FeatureSet train = clouds(30, 3, 4, 1, 1, "train", 2);
  const FeatureSet test = clouds(18, 3, 4, 1, 2, "test", 2);

  const ProbeReport one = run_probes(train, test, quick_options());
  const ProbeReport other = run_probes(backwards(train), backwards(test), quick_options());

  for (std::size_t n = 0; n < one.results.size(); ++n) {
    EXPECT_EQ(one.results[n].draws[0].scores, other.results[n].draws[0].scores);
    EXPECT_EQ(one.results[n].summary[2].interval->low, other.results[n].summary[2].interval->low);
  }
}

TEST(Probe, KnowsNothingOfTestRowsWhileItLearns) {
  const FeatureSet train = clouds(30, 2, 4, 1, 1, "train");
  const FeatureSet test = clouds(12, 2, 4, 1, 2, "test");
  FeatureSet shifted = test;
  shifted.features.bottomRows(6).array() += 1000;

  const ProbeReport one = run_probes(train, test, quick_options());
  const ProbeReport other = run_probes(train, shifted, quick_options());

  for (std::size_t n = 0; n < one.results.size(); ++n) {
    for (std::size_t row = 0; row < 6; ++row) {
      EXPECT_EQ(one.results[n].draws[0].scores[row], other.results[n].draws[0].scores[row]);
    }
  }
}

TEST(Probe, WidensTheIntervalByTheDraws) {
  const FeatureSet train = clouds(60, 2, 4, 1, 1, "train");
  const FeatureSet test = clouds(400, 2, 4, 1, 2, "test");
  ProbeOptions options = quick_options();
  options.kinds = {"knn"};
  options.budgets = {1};
  options.fractions = {};
  options.draws = 6;

  const ProbeReport report = run_probes(train, test, options);

  // With so many test cases it is the draws that make the mean uncertain.
  const ProbeSummary& accuracy = report.results[0].summary[0];
  EXPECT_GT(accuracy.interval->high - accuracy.interval->low,
            2 * *accuracy.deviation / std::sqrt(6.0));
}

TEST(Probe, CoversTheExpectedAccuracyAboutAsOftenAsItSays) {
  ProbeOptions options = quick_options();
  options.kinds = {"knn"};
  options.budgets = {2};
  options.fractions = {};
  options.draws = 5;
  std::vector<Interval> intervals;
  double expected = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const ProbeReport report = run_probes(clouds(80, 2, 4, 1, 2 * seed, "train"),
                                          clouds(60, 2, 4, 1, 2 * seed + 1, "test", 2),
                                          options);
    intervals.push_back(*report.results[0].summary[0].interval);
    expected += *report.results[0].summary[0].mean / 100;
  }

  const auto covering = std::count_if(intervals.begin(), intervals.end(), [&](const auto& one) {
    return one.low <= expected && expected <= one.high;
  });

  // Of 95 %: five draws and 200 resamples leave some room, and it tends to be wide.
  EXPECT_GE(covering, 88);
}

TEST(Probe, CountsAClassThatTrainingNeverSawAsWrong) {
  FeatureSet train = clouds(20, 2, 4, 3, 1, "train");
  train.classes = 3;
  const FeatureSet test = clouds(30, 3, 4, 3, 2, "test");

  const ProbeReport report = run_probes(train, test, quick_options());

  EXPECT_EQ(report.unseen, (std::vector<std::int64_t>{2}));
  for (const ProbeResult& result : report.results) {
    EXPECT_LE(*result.draws[0].metrics[0], 2.0 / 3);
    EXPECT_EQ(result.draws[0].scores[2][2], 0.0);
  }
}

TEST(Probe, LeavesAurocEmptyForTestCasesOfOneClass) {
  FeatureSet test = clouds(10, 2, 4, 1, 2, "test");
  std::fill(test.labels.begin(), test.labels.end(), 1);

  const ProbeReport report = run_probes(clouds(20, 2, 4, 1, 1, "train"), test, quick_options());

  const ProbeSummary& auroc = report.results[0].summary[2];
  EXPECT_EQ(auroc.metric, ProbeMetric::kMacroAuroc);
  EXPECT_FALSE(auroc.mean.has_value());
  EXPECT_FALSE(auroc.interval.has_value());
  EXPECT_TRUE(report.results[0].summary[0].mean.has_value());
}

TEST(Probe, ProbesSeveralFindings) {
  const auto with_findings = [](FeatureSet set) {
    for (Eigen::Index row = 0; row < set.features.rows(); ++row) {
      set.findings.push_back({set.features(row, 0) > 0 ? 1 : 0, set.features(row, 1) > 1 ? 1 : 0});
    }
    set.labels.clear();
    return set;
  };
  const FeatureSet train = with_findings(clouds(80, 2, 3, 1, 1, "train"));
  const FeatureSet test = with_findings(clouds(40, 2, 3, 1, 2, "test"));

  const ProbeReport report = run_probes(train, test, quick_options());

  EXPECT_GT(*result_of(report, "linear", {0, 1}).summary[2].mean, 0.95);
  EXPECT_GT(*result_of(report, "knn", {0, 1}).summary[2].mean, 0.85);
}

TEST(ProbeComparison, FindsTheBetterFeaturesAndNoDifferenceBetweenEqualOnes) {
  const FeatureSet train = clouds(60, 2, 4, 1.5, 1, "train");
  const FeatureSet test = clouds(60, 2, 4, 1.5, 2, "test");
  FeatureSet poor_train = train;
  FeatureSet poor_test = test;
  poor_train.features.leftCols(3).setRandom();
  poor_test.features.leftCols(3).setRandom();
  const ProbeOptions options = quick_options();
  const ProbeReport good = run_probes(train, test, options);
  const ProbeReport poor = run_probes(poor_train, backwards(poor_test), options);

  const auto better = compare_probes(poor, good, options);
  const auto same = compare_probes(good, good, options);

  ASSERT_EQ(better.size(), good.results.size() * kProbeMetrics.size());
  const ProbeDifference& linear_all = better[5 * kProbeMetrics.size()];
  EXPECT_EQ(linear_all.kind, "linear");
  EXPECT_NEAR(*linear_all.difference,
              *good.results[5].summary[0].mean - *poor.results[5].summary[0].mean,
              1e-12);
  EXPECT_GT(linear_all.interval->low, 0.0);
  EXPECT_EQ(*same[0].difference, 0.0);
  EXPECT_EQ(same[0].interval->low, 0.0);
  EXPECT_EQ(same[0].interval->high, 0.0);
}

TEST(ProbeComparison, RefusesReportsOfOtherCasesOrDraws) {
  const FeatureSet train = clouds(20, 2, 4, 1, 1, "train");
  const ProbeOptions options = quick_options();
  ProbeOptions other_seed = options;
  other_seed.seed = 18;
  const ProbeReport report = run_probes(train, clouds(20, 2, 4, 1, 2, "test"), options);
  const ProbeReport other_test = run_probes(train, clouds(20, 2, 4, 1, 2, "other"), options);
  const ProbeReport other_draws = run_probes(train, clouds(20, 2, 4, 1, 2, "test"), other_seed);

  EXPECT_THROW((void)compare_probes(report, other_test, options), Error);
  EXPECT_THROW((void)compare_probes(report, other_draws, options), Error);
}

TEST(ProbeOptions, AreReadFromTheSectionProbe) {
  const Config config = Config::from_text(
      "probe:\n  kinds: [linear]\n  budgets: [3]\n  fractions: [0.5, 1]\n  k: 7\n", "test.yaml");

  const auto options = config.section(ProbeOptions::kName).parse<ProbeOptions>();

  EXPECT_EQ(label_budgets(options), (std::vector<LabelBudget>{{3, 0}, {0, 0.5}, {0, 1}}));
  EXPECT_EQ(knn_options(options).k, 7);
  EXPECT_EQ(options.kinds, std::vector<std::string>{"linear"});
}

TEST(ProbeOptions, RefuseUnknownProbesAndNoBudget) {
  ProbeOptions unknown;
  unknown.kinds = {"forest"};
  ProbeOptions none;
  none.budgets = {};
  none.fractions = {};

  EXPECT_THROW(check_probe(unknown), Error);
  EXPECT_THROW(check_probe(none), Error);
}

}  // namespace
}  // namespace marrow
