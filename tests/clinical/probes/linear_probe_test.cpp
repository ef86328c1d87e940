#include "clinical/probes/linear_probe.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/feature_sets.h"

namespace marrow {
namespace {

using testing_support::clouds;
using testing_support::feature_rows;
using testing_support::labelled_set;

LinearProbe fit_set(const FeatureSet& set, const LinearOptions& options = {}) {
  return fit_linear_probe(set, standardisation_of(set.features), options);
}

TEST(Standardisation, HasTheMeanAndDeviationOfItsRowsAndLeavesConstantsOut) {
  const FeatureMatrix rows = feature_rows({{1, 7, 0.1F}, {5, 7, 0.1F}});

  const Standardisation made = standardisation_of(rows);
  const Eigen::MatrixXd applied = made.apply(feature_rows({{9, 100, 0.1F}}));

  EXPECT_DOUBLE_EQ(applied(0, 0), 3.0);  // (9 - 3) / 2
  EXPECT_EQ(applied(0, 1), 0.0);
  EXPECT_EQ(applied(0, 2), 0.0);
}

TEST(LinearProbe, SeparatesClassesThatCanBeSeparated) {
  const LinearProbe probe = fit_set(clouds(60, 3, 6, 8, 1));

  const FeatureSet test = clouds(30, 3, 6, 8, 2);
  const ScoreTable scores = linear_scores(probe, test.features);

  EXPECT_TRUE(probe.converged);
  for (std::size_t n = 0; n < scores.size(); ++n) {
    EXPECT_GT(scores[n][static_cast<std::size_t>(test.labels[n])], 0.5) << n;
    EXPECT_NEAR(scores[n][0] + scores[n][1] + scores[n][2], 1.0, 1e-12);
  }
}

TEST(LinearProbe, DoesNotDependOnScaleAndOffsetOfFeatures) {
  const FeatureSet train = clouds(40, 2, 5, 1, 3);
  const FeatureSet test = clouds(10, 2, 5, 1, 4);
  Eigen::RowVectorXf scale(5);
  scale << 0.25F, 1024, 1, 32, 0.5F;
  FeatureSet scaled = train;
  scaled.features = (train.features * scale.asDiagonal()).rowwise() + scale;
  const FeatureMatrix scaled_test = (test.features * scale.asDiagonal()).rowwise() + scale;

  const ScoreTable before = linear_scores(fit_set(train), test.features);
  const ScoreTable after = linear_scores(fit_set(scaled), scaled_test);

  for (std::size_t n = 0; n < before.size(); ++n) {
    EXPECT_NEAR(before[n][1], after[n][1], 1e-5);  // adding the offset rounds float values
  }
}

TEST(LinearProbe, SolvesFewerRowsThanColumnsExactly) {
  const FeatureSet train = clouds(12, 3, 40, 1, 5);
  const Standardisation standardisation = standardisation_of(train.features);
  LinearOptions options;
  options.c_grid = {0.3};

  const LinearProbe probe = fit_linear_probe(train, standardisation, options);
  const LogisticModel direct = fit_logistic(standardisation.apply(train.features),
                                            train.labels,
                                            3,
                                            Eigen::VectorXd::Ones(12),
                                            {.c = 0.3});

  EXPECT_TRUE(probe.models[0].weights.isApprox(direct.weights, 1e-6));
}

TEST(LinearProbe, ChoosesAStrongPenaltyForNoiseAndAWeakOneForASignal) {
  const LinearProbe noise = fit_set(clouds(40, 2, 20, 0, 6));
  const LinearProbe signal = fit_set(clouds(40, 2, 20, 4, 6));

  EXPECT_TRUE(noise.held_out_loss.has_value());
  EXPECT_LE(noise.c, 1e-3);
  EXPECT_GE(signal.c, 1e-1);
  EXPECT_LT(*signal.held_out_loss, *noise.held_out_loss);
}

TEST(LinearProbe, TakesTheDefaultWhereFoldsAreImpossible) {
  LinearOptions options;
  options.c_default = 0.7;

  const LinearProbe one_each = fit_set(clouds(3, 3, 4, 1, 7), options);

  EXPECT_EQ(one_each.c, 0.7);
  EXPECT_FALSE(one_each.held_out_loss.has_value());
}

TEST(LinearProbe, GivesAClassWithoutExamplesTheScoreZero) {
  const FeatureSet train = labelled_set(feature_rows({{0}, {1}, {5}, {6}}), {0, 0, 2, 2}, 3);

  const ScoreTable scores = linear_scores(fit_set(train), feature_rows({{0}, {6}}));

  EXPECT_GT(scores[0][0], 0.5);
  EXPECT_GT(scores[1][2], 0.5);
  EXPECT_EQ(scores[0][1], 0.0);
}

TEST(LinearProbe, FitsEachFindingAndScoresConstantOnesByTheirValue) {
  FeatureSet train = labelled_set(feature_rows({{0, 0}, {0, 4}, {4, 0}, {4, 4}}), {0, 0, 0, 0}, 4);
  train.labels.clear();
  train.findings = {{0, 0, 0, 1}, {0, 1, 0, 1}, {1, 0, 0, 1}, {1, 1, 0, 1}};

  const ScoreTable scores = linear_scores(fit_set(train), feature_rows({{5, -1}}));

  EXPECT_GT(scores[0][0], 0.5);
  EXPECT_LT(scores[0][1], 0.5);
  EXPECT_EQ(scores[0][2], 0.0);
  EXPECT_EQ(scores[0][3], 1.0);
}

TEST(LinearProbe, BalancesClassesWhenAskedTo) {
  FeatureMatrix noise = FeatureMatrix::Zero(8, 1);
  const FeatureSet train = labelled_set(noise, {0, 0, 0, 0, 0, 0, 1, 1}, 2);
  LinearOptions options;
  options.balanced = true;

  const ScoreTable plain = linear_scores(fit_set(train), noise);
  const ScoreTable balanced = linear_scores(fit_set(train, options), noise);

  EXPECT_NEAR(plain[0][1], 0.25, 1e-6);
  EXPECT_NEAR(balanced[0][1], 0.5, 1e-6);
}

TEST(LinearProbe, RefusesOneClassAndAnEmptyGrid) {
  const FeatureSet one = labelled_set(feature_rows({{0}, {1}}), {1, 1}, 2);
  LinearOptions empty;
  empty.c_grid.clear();

  EXPECT_THROW((void)fit_set(one), Error);
  EXPECT_THROW((void)fit_set(clouds(10, 2, 2, 1, 8), empty), Error);
}

}  // namespace
}  // namespace marrow
