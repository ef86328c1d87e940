#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <Eigen/Core>

#include "clinical/probes/feature_set.h"
#include "clinical/probes/logistic_regression.h"

namespace marrow {

// A batch norm without affine whose statistics are those of given rows: (x - mean) * factor.
struct Standardisation {
  Eigen::VectorXd mean;
  Eigen::VectorXd factor;  // 1 / standard deviation (of N, not N - 1); 0 for a constant column

  [[nodiscard]] Eigen::MatrixXd apply(const FeatureMatrix& features) const;
};

// Of at least one row. A column whose deviation is below a millionth of its mean's magnitude holds
// nothing but the rounding of float32 and counts as constant.
[[nodiscard]] Standardisation standardisation_of(const FeatureMatrix& features);

struct LinearOptions {
  // C of 0.5 * weights^2 + C * sum of the loss, so a large C is a weak penalty. One is chosen.
  std::vector<double> c_grid = {1e-4, 1e-3, 1e-2, 1e-1, 1, 10};
  double c_default = 0.1;  // where there is nothing to choose by
  std::int64_t folds = 5;  // at most; >= 2
  bool balanced = false;   // rows of class k weigh N / (classes * N_k), as in scikit-learn
  std::uint64_t seed = 17;
};

struct LinearProbe {
  Standardisation standardisation;
  std::int64_t classes = 0;
  bool multi_label = false;
  // One label per case: one model of the classes in `fitted`. Findings: one of two classes for each
  // entry of `fitted`. Weights are for standardised features.
  std::vector<LogisticModel> models;
  std::vector<std::int64_t> fitted;  // classes with examples; findings with both kinds of them
  std::vector<double> constant;      // score of a class (or finding) that is not in `fitted`
  double c = 0;
  std::optional<double>
      held_out_loss;  // mean cross entropy in the folds; empty: c_default was taken
  bool converged = false;
};

// Multinomial logistic regression (findings: one binary regression each) with an L2 penalty, fitted
// to convergence by L-BFGS on standardised features.
//
// C is the entry of c_grid of the smallest mean cross entropy on held-out rows of stratified folds
// of whole patients (of equals the smallest C; one C for all findings), and the model is then
// fitted to all rows. Where folds are impossible (no class has two patients who can be spared) it
// is c_default. A grid of one entry is taken as it is.
//
// A class without examples gets the score 0, a finding without positives 0, without negatives 1.
// Throws Error{kInvalidArgument} when fewer than two classes have examples (no finding has both
// kinds), for an empty grid and for fewer than two folds.
[[nodiscard]] LinearProbe fit_linear_probe(const FeatureSet& labelled,
                                           const Standardisation& standardisation,
                                           const LinearOptions& options);

// [M x K]: probabilities of the classes, which sum to 1; for findings each for itself.
[[nodiscard]] ScoreTable linear_scores(const LinearProbe& probe, const FeatureMatrix& test);

}  // namespace marrow
