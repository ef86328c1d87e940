#pragma once

#include <cstdint>
#include <functional>

#include <Eigen/Core>

namespace marrow {

// The value at `x`, and its gradient.
using SmoothFunction = std::function<double(const Eigen::VectorXd& x, Eigen::VectorXd& gradient)>;

struct LbfgsOptions {
  std::int64_t history = 10;
  std::int64_t iterations = 5000;
  double tolerance = 1e-8;  // ends where no entry of the gradient is larger
};

struct Minimum {
  Eigen::VectorXd x;
  double value = 0;
  double gradient = 0;  // largest entry of the gradient there
  std::int64_t iterations = 0;
  bool converged = false;
};

// Minimises a convex, differentiable function by L-BFGS (Nocedal 1980; two loops, Nocedal & Wright
// 2006, algorithm 7.4). The step is found by bisection and doubling until it meets the weak Wolfe
// conditions (Lewis & Overton 2013), which keeps the curvature pairs positive. Deterministic. Not
// converged: the iterations were used up, or rounding left no step that descends.
[[nodiscard]] Minimum minimise_lbfgs(const SmoothFunction& function,
                                     Eigen::VectorXd start,
                                     const LbfgsOptions& options);

}  // namespace marrow
