#include "clinical/probes/logistic_regression.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "clinical/probes/lbfgs.h"
#include "core/error.h"

namespace marrow {

namespace {

Eigen::MatrixXd logits_of(const LogisticModel& model, const Eigen::MatrixXd& rows) {
  return (rows * model.weights.transpose()).rowwise() + model.intercepts.transpose();
}

// Turns logits into the derivative of the weighted cross entropy by the logits, in place, and
// returns its sum.
double binary_loss(const std::vector<std::int64_t>& labels,
                   const Eigen::VectorXd& row_weights,
                   Eigen::MatrixXd& logits) {
  double sum = 0;
  for (Eigen::Index i = 0; i < logits.rows(); ++i) {
    const double x = logits(i, 0);
    const double y = labels[static_cast<std::size_t>(i)] == 1 ? 1.0 : 0.0;
    const double small = std::exp(-std::abs(x));
    const double p = x >= 0 ? 1.0 / (1.0 + small) : small / (1.0 + small);
    sum += row_weights[i] * (std::max(x, 0.0) - x * y + std::log1p(small));
    logits(i, 0) = row_weights[i] * (p - y);
  }
  return sum;
}

double softmax_loss(const std::vector<std::int64_t>& labels,
                    const Eigen::VectorXd& row_weights,
                    Eigen::MatrixXd& logits) {
  double sum = 0;
  for (Eigen::Index i = 0; i < logits.rows(); ++i) {
    const auto own = static_cast<Eigen::Index>(labels[static_cast<std::size_t>(i)]);
    const double highest = logits.row(i).maxCoeff();
    const double own_logit = logits(i, own) - highest;
    logits.row(i) = (logits.row(i).array() - highest).exp();
    const double total = logits.row(i).sum();
    sum += row_weights[i] * (std::log(total) - own_logit);
    logits.row(i) /= total;
    logits(i, own) -= 1.0;
    logits.row(i) *= row_weights[i];
  }
  return sum;
}

void check_logistic(const Eigen::MatrixXd& rows,
                    const std::vector<std::int64_t>& labels,
                    std::int64_t classes,
                    const Eigen::VectorXd& row_weights,
                    double c) {
  const bool in_range = std::all_of(
      labels.begin(), labels.end(), [&](auto label) { return label >= 0 && label < classes; });
  if (classes < 2 || !(c > 0) || !in_range || rows.rows() < 1 ||
      rows.rows() != static_cast<Eigen::Index>(labels.size()) ||
      rows.rows() != row_weights.size()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("logistic regression: expected c above 0 and a label in 0 to {} and a "
                    "weight for each of the {} rows, found c = {}, {} labels and {} weights; "
                    "correct the call",
                    classes - 1,
                    rows.rows(),
                    c,
                    labels.size(),
                    row_weights.size()));
  }
}

}  // namespace

LogisticModel fit_logistic(const Eigen::MatrixXd& rows,
                           const std::vector<std::int64_t>& labels,
                           std::int64_t classes,
                           const Eigen::VectorXd& row_weights,
                           const LogisticOptions& options) {
  const double c = options.c;
  check_logistic(rows, labels, classes, row_weights, c);
  const Eigen::Index outputs = classes == 2 ? 1 : static_cast<Eigen::Index>(classes);
  const Eigen::Index columns = rows.cols();
  LogisticModel model;
  model.weights = Eigen::MatrixXd::Zero(outputs, columns);
  model.intercepts = Eigen::VectorXd::Zero(outputs);
  if (const LogisticModel* const start = options.start; start != nullptr) {
    MARROW_CHECK(start->weights.rows() == outputs && start->weights.cols() == columns);
    model.weights = start->weights;
    model.intercepts = start->intercepts;
  }
  const Eigen::Index weights = outputs * columns;
  const auto unpack = [&](const Eigen::VectorXd& x) {
    model.weights = Eigen::Map<const Eigen::MatrixXd>(x.data(), outputs, columns);
    model.intercepts = x.tail(outputs);
  };
  const auto objective = [&](const Eigen::VectorXd& x, Eigen::VectorXd& gradient) {
    unpack(x);
    Eigen::MatrixXd slopes = logits_of(model, rows);
    const double loss = outputs == 1 ? binary_loss(labels, row_weights, slopes)
                                     : softmax_loss(labels, row_weights, slopes);
    Eigen::Map<Eigen::MatrixXd>(gradient.data(), outputs, columns) =
        model.weights + c * slopes.transpose() * rows;
    gradient.tail(outputs) = c * slopes.colwise().sum().transpose();
    return 0.5 * model.weights.squaredNorm() + c * loss;
  };
  Eigen::VectorXd x(weights + outputs);
  Eigen::Map<Eigen::MatrixXd>(x.data(), outputs, columns) = model.weights;
  x.tail(outputs) = model.intercepts;
  const Minimum minimum = minimise_lbfgs(
      objective, std::move(x), {.tolerance = options.tolerance * c * row_weights.sum()});
  unpack(minimum.x);
  model.objective = minimum.value;
  model.gradient = minimum.gradient;
  model.converged = minimum.converged;
  return model;
}

Eigen::MatrixXd class_probabilities(const LogisticModel& model, const Eigen::MatrixXd& rows) {
  const Eigen::MatrixXd logits = logits_of(model, rows);
  if (logits.cols() == 1) {
    Eigen::MatrixXd two(rows.rows(), 2);
    two.col(1) = 1.0 / (1.0 + (-logits.col(0).array()).exp());
    two.col(0) = 1.0 / (1.0 + logits.col(0).array().exp());
    return two;
  }
  Eigen::MatrixXd shares = (logits.colwise() - logits.rowwise().maxCoeff()).array().exp().matrix();
  shares.array().colwise() /= shares.rowwise().sum().array();
  return shares;
}

}  // namespace marrow
