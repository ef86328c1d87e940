#include "clinical/probes/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>
#include <vector>

namespace marrow {

namespace {

struct CurvaturePair {
  Eigen::VectorXd step;
  Eigen::VectorXd change;  // of the gradient
  double inverse = 0;      // 1 / step'change
};

Eigen::VectorXd descent_direction(const std::deque<CurvaturePair>& pairs,
                                  const Eigen::VectorXd& gradient) {
  Eigen::VectorXd direction = -gradient;
  std::vector<double> weights(pairs.size());
  for (std::size_t n = pairs.size(); n-- > 0;) {
    weights[n] = pairs[n].inverse * pairs[n].step.dot(direction);
    direction -= weights[n] * pairs[n].change;
  }
  if (!pairs.empty()) {
    const CurvaturePair& last = pairs.back();
    direction *= 1.0 / (last.inverse * last.change.squaredNorm());
  }
  for (std::size_t n = 0; n < pairs.size(); ++n) {
    direction += (weights[n] - pairs[n].inverse * pairs[n].change.dot(direction)) * pairs[n].step;
  }
  return direction;
}

struct Point {
  Eigen::VectorXd x;
  Eigen::VectorXd gradient;
  double value = 0;
};

// Moves `point`; false when no step along `direction` descends any more.
bool search_line(const SmoothFunction& function,
                 const Eigen::VectorXd& direction,
                 double step,
                 Point& point) {
  constexpr double kDecrease = 1e-4;
  constexpr double kCurvature = 0.9;
  const double slope = point.gradient.dot(direction);
  if (!(slope < 0)) {
    return false;
  }
  // Near the minimum the decrease drowns in the rounding of the value; the slope still tells.
  const double rounding = 1e-13 * std::abs(point.value);
  double low = 0;
  double high = 0;  // 0: no upper end yet
  Point next;
  next.gradient.resize(point.x.size());
  for (int tries = 0; tries < 60; ++tries) {
    next.x = point.x + step * direction;
    next.value = function(next.x, next.gradient);
    if (!(next.value <= point.value + kDecrease * step * slope + rounding)) {
      high = step;
    } else if (next.gradient.dot(direction) < kCurvature * slope) {
      low = step;
    } else {
      point = std::move(next);
      return true;
    }
    step = high > 0 ? 0.5 * (low + high) : 2.0 * step;
  }
  return false;
}

}  // namespace

Minimum minimise_lbfgs(const SmoothFunction& function,
                       Eigen::VectorXd start,
                       const LbfgsOptions& options) {
  Point point;
  point.x = std::move(start);
  point.gradient.resize(point.x.size());
  point.value = function(point.x, point.gradient);
  Minimum result;
  result.gradient = point.gradient.lpNorm<Eigen::Infinity>();
  std::deque<CurvaturePair> pairs;
  while (result.gradient > options.tolerance && result.iterations < options.iterations) {
    const Eigen::VectorXd direction = descent_direction(pairs, point.gradient);
    const Eigen::VectorXd x = point.x;
    const Eigen::VectorXd gradient = point.gradient;
    // Without a history the length of a gradient says nothing about the length of a step.
    const double first_step = pairs.empty() ? std::min(1.0, 1.0 / gradient.norm()) : 1.0;
    if (!search_line(function, direction, first_step, point)) {
      if (pairs.empty()) {
        break;
      }
      pairs.clear();  // a stale history may be to blame: once more along the gradient
      continue;
    }
    ++result.iterations;
    result.gradient = point.gradient.lpNorm<Eigen::Infinity>();
    CurvaturePair pair{point.x - x, point.gradient - gradient, 0};
    const double curvature = pair.step.dot(pair.change);
    if (curvature > 1e-16 * pair.change.squaredNorm()) {
      pair.inverse = 1.0 / curvature;
      pairs.push_back(std::move(pair));
      if (static_cast<std::int64_t>(pairs.size()) > options.history) {
        pairs.pop_front();
      }
    }
  }
  result.converged = result.gradient <= options.tolerance;
  result.value = point.value;
  result.x = std::move(point.x);
  return result;
}

}  // namespace marrow
