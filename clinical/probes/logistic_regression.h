#pragma once

#include <cstdint>
#include <vector>

#include <Eigen/Core>

namespace marrow {

// Logits of a row x are weights * x + intercepts. Two classes have one output, the logit of class 1
// against class 0; more classes have one output each (softmax).
struct LogisticModel {
  Eigen::MatrixXd weights;     // [outputs x D]
  Eigen::VectorXd intercepts;  // [outputs]
  double objective = 0;
  double gradient = 0;  // largest entry at the solution
  bool converged = false;
};

struct LogisticOptions {
  double c = 1;  // above 0; large is a weak penalty
  // Ends where no entry of the gradient is larger than this times c times the sum of row weights,
  // as scikit-learn's `tol`.
  double tolerance = 1e-9;
  // A model of the same shape to start from, such as that of a smaller c; null for zeros.
  const LogisticModel* start = nullptr;
};

// Minimises 0.5 * sum(weights^2) + c * sum over rows of row_weight * cross entropy; intercepts are
// not penalised. This is the objective of scikit-learn's LogisticRegression(C=c), for two classes
// and for more, so its coefficients can be compared.
//
// rows: [N x D]. labels: N values in 0 .. classes - 1, classes >= 2. row_weights: N values >= 0.
// Deterministic.
// Throws Error{kInvalidArgument} for other sizes or c <= 0.
[[nodiscard]] LogisticModel fit_logistic(const Eigen::MatrixXd& rows,
                                         const std::vector<std::int64_t>& labels,
                                         std::int64_t classes,
                                         const Eigen::VectorXd& row_weights,
                                         const LogisticOptions& options);

// [N x classes], rows sum to 1.
[[nodiscard]] Eigen::MatrixXd class_probabilities(const LogisticModel& model,
                                                  const Eigen::MatrixXd& rows);

}  // namespace marrow
