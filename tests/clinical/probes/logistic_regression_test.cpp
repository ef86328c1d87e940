#include "clinical/probes/logistic_regression.h"

#include <cmath>

#include <gtest/gtest.h>

#include "clinical/probes/lbfgs.h"
#include "core/error.h"
#include "core/rng.h"

namespace marrow {
namespace {

// Written out once more, with nothing of the code under test.
double softmax_objective(const LogisticModel& model,
                         const Eigen::MatrixXd& rows,
                         const std::vector<std::int64_t>& labels,
                         double c) {
  double sum = 0;
  for (Eigen::Index n = 0; n < rows.rows(); ++n) {
    const Eigen::VectorXd logits = model.weights * rows.row(n).transpose() + model.intercepts;
    sum += std::log(logits.array().exp().sum()) -
           logits[static_cast<Eigen::Index>(labels[static_cast<std::size_t>(n)])];
  }
  return 0.5 * model.weights.squaredNorm() + c * sum;
}

TEST(Lbfgs, FindsTheMinimumOfAnIllConditionedParabola) {
  const Eigen::Vector3d stiffness(1, 1e3, 1e6);
  const Eigen::Vector3d bottom(3, -2, 1);

  const Minimum minimum = minimise_lbfgs(
      [&](const Eigen::VectorXd& x, Eigen::VectorXd& gradient) {
        gradient = stiffness.asDiagonal() * (x - bottom);
        return 0.5 * (x - bottom).dot(gradient);
      },
      Eigen::VectorXd::Zero(3),
      {.history = 10, .iterations = 1000, .tolerance = 1e-13});

  EXPECT_TRUE(minimum.converged);
  EXPECT_TRUE(minimum.x.isApprox(bottom, 1e-6)) << minimum.x.transpose();
}

TEST(Lbfgs, StaysWhereTheGradientIsZero) {
  const Minimum minimum = minimise_lbfgs(
      [](const Eigen::VectorXd& x, Eigen::VectorXd& gradient) {
        gradient = x;
        return 0.5 * x.squaredNorm();
      },
      Eigen::VectorXd::Zero(2),
      {});

  EXPECT_TRUE(minimum.converged);
  EXPECT_EQ(minimum.iterations, 0);
}

TEST(LogisticRegression, FindsTheOptimumThatCanBeWorkedOutByHand) {
  // Rows -1 of class 0 and 1 of class 1: w = 2 c / (1 + exp(w)), so w = 1 at c = (1 + e) / 2.
  Eigen::MatrixXd rows(2, 1);
  rows << -1, 1;

  const LogisticModel model =
      fit_logistic(rows, {0, 1}, 2, Eigen::Vector2d::Ones(), {.c = (1 + std::exp(1.0)) / 2});

  EXPECT_TRUE(model.converged);
  EXPECT_NEAR(model.weights(0, 0), 1.0, 1e-8);
  EXPECT_NEAR(model.intercepts[0], 0.0, 1e-8);
}

TEST(LogisticRegression, GivesTheSharesOfTheClassesWhereFeaturesSayNothing) {
  const Eigen::MatrixXd rows = Eigen::MatrixXd::Zero(6, 2);

  const LogisticModel model =
      fit_logistic(rows, {0, 1, 1, 2, 2, 2}, 3, Eigen::VectorXd::Ones(6), {.c = 1});

  const Eigen::MatrixXd shares = class_probabilities(model, rows.topRows(1));
  EXPECT_NEAR(shares(0, 0), 1.0 / 6, 1e-8);
  EXPECT_NEAR(shares(0, 1), 2.0 / 6, 1e-8);
  EXPECT_NEAR(shares(0, 2), 3.0 / 6, 1e-8);
}

TEST(LogisticRegression, HasNoSlopeLeftAtTheSolution) {
  Rng rng(3);
  Eigen::MatrixXd rows(30, 4);
  std::vector<std::int64_t> labels;
  for (Eigen::Index n = 0; n < rows.rows(); ++n) {
    labels.push_back(n % 3);
    for (Eigen::Index column = 0; column < rows.cols(); ++column) {
      rows(n, column) = rng.normal() + (column == n % 3 ? 1.0 : 0.0);
    }
  }

  LogisticModel model = fit_logistic(rows, labels, 3, Eigen::VectorXd::Ones(30), {.c = 2.0});

  EXPECT_TRUE(model.converged);
  EXPECT_NEAR(model.objective, softmax_objective(model, rows, labels, 2.0), 1e-10);
  constexpr double kStep = 1e-4;
  const auto slope_by = [&](double& parameter) {
    const double there = parameter;
    parameter = there + kStep;
    const double above = softmax_objective(model, rows, labels, 2.0);
    parameter = there - kStep;
    const double below = softmax_objective(model, rows, labels, 2.0);
    parameter = there;
    EXPECT_GT(above + below, 2 * model.objective);
    return (above - below) / (2 * kStep);
  };
  // The slopes at zero weights are above 10; differences of this step are right to about 1e-7.
  for (Eigen::Index entry = 0; entry < model.weights.size(); ++entry) {
    EXPECT_NEAR(slope_by(model.weights.data()[entry]), 0.0, 1e-6);
  }
  EXPECT_NEAR(slope_by(model.intercepts[1]), 0.0, 1e-6);
}

TEST(LogisticRegression, EndsAtTheSameModelFromAnyStart) {
  Eigen::MatrixXd rows(4, 1);
  rows << -1, 0.5, 0.4, 2;
  const std::vector<std::int64_t> labels = {0, 1, 0, 1};
  const LogisticModel weak = fit_logistic(rows, labels, 2, Eigen::VectorXd::Ones(4), {.c = 100});
  const LogisticModel once = fit_logistic(rows, labels, 2, Eigen::VectorXd::Ones(4), {.c = 1});

  const LogisticModel again =
      fit_logistic(rows, labels, 2, Eigen::VectorXd::Ones(4), {.c = 1, .start = &weak});
  const LogisticModel same =
      fit_logistic(rows, labels, 2, Eigen::VectorXd::Ones(4), {.c = 1, .start = &once});

  EXPECT_NEAR(again.weights(0, 0), once.weights(0, 0), 1e-7);
  EXPECT_TRUE(same.converged);
  EXPECT_EQ(same.weights(0, 0), once.weights(0, 0));
}

TEST(LogisticRegression, CountsARowOfWeightTwoAsTwoRows) {
  Eigen::MatrixXd twice(4, 1);
  twice << -1, 0.5, 0.5, 2;
  Eigen::MatrixXd once(3, 1);
  once << -1, 0.5, 2;

  const LogisticModel repeated =
      fit_logistic(twice, {0, 0, 0, 1}, 2, Eigen::VectorXd::Ones(4), {.c = 1});
  const LogisticModel weighted =
      fit_logistic(once, {0, 0, 1}, 2, Eigen::Vector3d(1, 2, 1), {.c = 1});

  EXPECT_NEAR(repeated.weights(0, 0), weighted.weights(0, 0), 1e-7);
  EXPECT_NEAR(repeated.intercepts[0], weighted.intercepts[0], 1e-7);
}

TEST(LogisticRegression, RefusesLabelsOutOfRangeAndAPenaltyOfNothing) {
  const Eigen::MatrixXd rows = Eigen::MatrixXd::Ones(2, 1);

  EXPECT_THROW((void)fit_logistic(rows, {0, 2}, 2, Eigen::Vector2d::Ones(), {.c = 1}), Error);
  EXPECT_THROW((void)fit_logistic(rows, {0, 1}, 2, Eigen::Vector2d::Ones(), {.c = 0}), Error);
  EXPECT_THROW((void)fit_logistic(rows, {0}, 2, Eigen::Vector2d::Ones(), {.c = 1}), Error);
}

}  // namespace
}  // namespace marrow
