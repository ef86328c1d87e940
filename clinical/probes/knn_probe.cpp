#include "clinical/probes/knn_probe.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

namespace {

constexpr Eigen::Index kBlockRows = 256;

FeatureMatrix unit_rows(const FeatureMatrix& features) {
  FeatureMatrix unit = features;
  for (Eigen::Index row = 0; row < unit.rows(); ++row) {
    // In double: squares of large float values overflow.
    const double length = features.row(row).cast<double>().norm();
    if (length > 0) {
      unit.row(row) = (features.row(row).cast<double>() / length).cast<float>();
    }
  }
  return unit;
}

std::vector<double> votes_of(const FeatureSet& train,
                             const float* cosine,
                             const std::vector<std::size_t>& nearest,
                             double temperature) {
  std::vector<double> votes(static_cast<std::size_t>(train.classes), 0.0);
  double total = 0;
  for (const std::size_t row : nearest) {
    // Relative to the nearest one, so that small temperatures do not overflow.
    const double apart = static_cast<double>(cosine[row]) - static_cast<double>(cosine[nearest[0]]);
    const double weight = std::exp(apart / temperature);
    total += weight;
    for (std::int64_t k = 0; k < train.classes; ++k) {
      votes[static_cast<std::size_t>(k)] += train.is_positive(row, k) ? weight : 0.0;
    }
  }
  for (double& vote : votes) {
    vote /= total;
  }
  return votes;
}

}  // namespace

ScoreTable knn_scores(const FeatureSet& train,
                      const FeatureMatrix& test,
                      const KnnOptions& options) {
  if (options.k < 1 || !(options.temperature > 0)) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("knn probe: expected k >= 1 and a temperature above 0, found {} and {}; "
                    "20 and 0.07 are usual",
                    options.k,
                    options.temperature));
  }
  if (train.rows() == 0 || train.features.cols() != test.cols()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("knn probe: expected training rows with as many columns as the {} of the "
                    "test rows, found {} rows of {}; compute both with one encoder",
                    test.cols(),
                    train.rows(),
                    train.features.cols()));
  }
  const FeatureMatrix stored = unit_rows(train.features);
  const FeatureMatrix asked = unit_rows(test);
  const auto k = static_cast<std::ptrdiff_t>(
      std::min<std::int64_t>(options.k, static_cast<std::int64_t>(train.rows())));
  std::vector<std::size_t> order(train.rows());
  std::vector<std::size_t> nearest(static_cast<std::size_t>(k));
  ScoreTable scores;
  for (Eigen::Index begin = 0; begin < asked.rows(); begin += kBlockRows) {
    const Eigen::Index count = std::min(kBlockRows, asked.rows() - begin);
    const FeatureMatrix cosines = asked.middleRows(begin, count) * stored.transpose();
    for (Eigen::Index row = 0; row < count; ++row) {
      const float* const cosine = cosines.data() + row * cosines.cols();
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::partial_sort(
          order.begin(), order.begin() + k, order.end(), [&](std::size_t a, std::size_t b) {
            return cosine[a] != cosine[b] ? cosine[a] > cosine[b] : a < b;
          });
      std::copy_n(order.begin(), k, nearest.begin());
      scores.push_back(votes_of(train, cosine, nearest, options.temperature));
    }
  }
  return scores;
}

}  // namespace marrow
