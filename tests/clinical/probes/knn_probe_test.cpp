#include "clinical/probes/knn_probe.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/feature_sets.h"

namespace marrow {
namespace {

using testing_support::feature_rows;
using testing_support::labelled_set;

TEST(KnnProbe, WeighsVotesByTheExponentialOfTheCosine) {
  const FeatureSet train = labelled_set(feature_rows({{2, 0}, {0, 1}, {3, 3}}), {0, 1, 1}, 2);

  const ScoreTable scores = knn_scores(train, feature_rows({{5, 0}}), {3, 0.5});

  const double same = std::exp(1 / 0.5);
  const double right_angle = std::exp(0.0);
  const double half_right_angle = std::exp(std::sqrt(0.5) / 0.5);
  EXPECT_NEAR(scores[0][0], same / (same + right_angle + half_right_angle), 1e-6);
  EXPECT_NEAR(scores[0][0] + scores[0][1], 1.0, 1e-12);
}

TEST(KnnProbe, AsksOnlyTheNearestK) {
  const FeatureSet train =
      labelled_set(feature_rows({{1, 0}, {1, 0.1F}, {0, 1}, {0, 1}}), {0, 1, 2, 2}, 3);

  const ScoreTable scores = knn_scores(train, feature_rows({{1, 0}}), {2, 1e6});

  EXPECT_NEAR(scores[0][0], 0.5, 1e-6);
  EXPECT_NEAR(scores[0][1], 0.5, 1e-6);
  EXPECT_EQ(scores[0][2], 0.0);
}

TEST(KnnProbe, TakesTheFirstOfEquallyNearRows) {
  const FeatureSet train = labelled_set(feature_rows({{0, 1}, {1, 0}, {2, 0}}), {0, 2, 1}, 3);

  const ScoreTable scores = knn_scores(train, feature_rows({{4, 0}}), {1, 0.07});

  EXPECT_EQ(scores[0], (std::vector<double>{0, 0, 1}));
}

TEST(KnnProbe, UsesAllRowsWhereThereAreFewerThanK) {
  const FeatureSet train = labelled_set(feature_rows({{1, 0}, {1, 0}, {1, 0}}), {0, 0, 1}, 2);

  const ScoreTable scores = knn_scores(train, feature_rows({{1, 0}}), {20, 0.07});

  EXPECT_NEAR(scores[0][0], 2.0 / 3.0, 1e-12);
}

TEST(KnnProbe, StaysFiniteAtATinyTemperatureAndForRowsOfZeros) {
  const FeatureSet train = labelled_set(feature_rows({{1, 0}, {0, 1}}), {0, 1}, 2);

  const ScoreTable scores = knn_scores(train, feature_rows({{1, 0}, {0, 0}}), {2, 1e-4});

  EXPECT_EQ(scores[0], (std::vector<double>{1, 0}));
  EXPECT_EQ(scores[1], (std::vector<double>{0.5, 0.5}));
}

TEST(KnnProbe, ScoresEachFindingForItself) {
  FeatureSet train = labelled_set(feature_rows({{1, 0}, {1, 0}, {0, 1}}), {0, 0, 0}, 2);
  train.labels.clear();
  train.findings = {{1, 1}, {1, 0}, {0, 1}};

  const ScoreTable scores = knn_scores(train, feature_rows({{1, 0}}), {2, 0.07});

  EXPECT_NEAR(scores[0][0], 1.0, 1e-12);
  EXPECT_NEAR(scores[0][1], 0.5, 1e-12);
}

TEST(KnnProbe, RefusesOptionsOutOfRangeAndOtherColumns) {
  const FeatureSet train = labelled_set(feature_rows({{1, 0}, {0, 1}}), {0, 1}, 2);
  const FeatureMatrix test = feature_rows({{1, 0}});

  EXPECT_THROW((void)knn_scores(train, test, {0, 0.07}), Error);
  EXPECT_THROW((void)knn_scores(train, test, {5, 0.0}), Error);
  EXPECT_THROW((void)knn_scores(train, feature_rows({{1, 0, 0}}), {5, 0.07}), Error);
}

}  // namespace
}  // namespace marrow
