#include "volumes/curation/spherical_kmeans.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/rng.h"

namespace marrow {

namespace {

// Below this 1 - cosine two float rows of unit length count as one direction.
constexpr double kSameDirection = 1e-6;
constexpr int kMostRounds = 100;

struct KmeansState {
  SphericalClusters clusters;
  std::vector<float> cosine;  // of each row to its centroid

  [[nodiscard]] UnitRows centroids(std::int64_t dimensions) const {
    return {clusters.centroids, dimensions};
  }
};

void add_centroid(KmeansState& state, std::span<const float> row) {
  state.clusters.centroids.insert(state.clusters.centroids.end(), row.begin(), row.end());
  ++state.clusters.count;
}

// A row drawn in proportion to its weight; there must be one above 0.
std::int64_t draw_row(const std::vector<double>& weights, double total, Rng& rng) {
  double left = rng.uniform() * total;
  std::size_t drawn = 0;
  // Rounding may leave a rest after the last row: then it is the last one with any weight.
  for (std::size_t row = 0; row < weights.size(); ++row) {
    if (weights[row] > 0) {
      drawn = row;
      left -= weights[row];
      if (left < 0) {
        break;
      }
    }
  }
  return static_cast<std::int64_t>(drawn);
}

struct Planting {
  std::int64_t row = 0;
  std::vector<double> distance;  // of each row to the nearest centroid, with this row as one
  double total = 0;
};

Planting planting_at(const UnitRows& rows,
                     std::int64_t drawn,
                     const std::vector<double>& distance) {
  Planting planting{drawn, distance, 0};
  for (std::int64_t row = 0; row < rows.count(); ++row) {
    const double apart = 1.0 - unit_cosine(rows.row(row), rows.row(drawn));
    double& least = planting.distance[static_cast<std::size_t>(row)];
    least = std::min(least, apart < kSameDirection ? 0.0 : apart);
    planting.total += least;
  }
  return planting;
}

void plant_centroids(const UnitRows& rows, std::int64_t count, Rng& rng, KmeansState& state) {
  const auto tries = 2 + static_cast<int>(std::log(static_cast<double>(count)));
  const std::vector<double> far(static_cast<std::size_t>(rows.count()), 2.0);
  Planting planted = planting_at(rows, rng.below(rows.count()), far);
  add_centroid(state, rows.row(planted.row));
  while (state.clusters.count < count && planted.total > 0) {
    Planting best;
    for (int n = 0; n < tries; ++n) {
      Planting next =
          planting_at(rows, draw_row(planted.distance, planted.total, rng), planted.distance);
      if (n == 0 || next.total < best.total) {
        best = std::move(next);
      }
    }
    planted = std::move(best);
    add_centroid(state, rows.row(planted.row));
  }
}

bool assign_rows(const UnitRows& rows, KmeansState& state) {
  const UnitRows centroids = state.centroids(rows.dimensions);
  bool moved = false;
  for (std::int64_t row = 0; row < rows.count(); ++row) {
    std::int64_t nearest = 0;
    float best = unit_cosine(rows.row(row), centroids.row(0));
    for (std::int64_t other = 1; other < centroids.count(); ++other) {
      const float cosine = unit_cosine(rows.row(row), centroids.row(other));
      if (cosine > best) {
        best = cosine;
        nearest = other;
      }
    }
    const auto place = static_cast<std::size_t>(row);
    moved = moved || state.clusters.assigned[place] != nearest;
    state.clusters.assigned[place] = nearest;
    state.cosine[place] = best;
  }
  return moved;
}

// False when the sum has no direction, as that of opposite rows.
bool set_direction(std::span<const double> sum, std::span<float> centroid) {
  double square = 0;
  for (const double value : sum) {
    square += value * value;
  }
  const double length = std::sqrt(square);
  if (length < kSameDirection) {
    return false;
  }
  for (std::size_t column = 0; column < sum.size(); ++column) {
    centroid[column] = static_cast<float>(sum[column] / length);
  }
  return true;
}

void move_centroids(const UnitRows& rows, KmeansState& state) {
  const auto columns = static_cast<std::size_t>(rows.dimensions);
  std::vector<double> sums(static_cast<std::size_t>(state.clusters.count) * columns, 0.0);
  std::vector<std::int64_t> members(static_cast<std::size_t>(state.clusters.count), 0);
  for (std::int64_t row = 0; row < rows.count(); ++row) {
    const auto own =
        static_cast<std::size_t>(state.clusters.assigned[static_cast<std::size_t>(row)]);
    ++members[own];
    const std::span<const float> values = rows.row(row);
    for (std::size_t column = 0; column < columns; ++column) {
      sums[own * columns + column] += values[column];
    }
  }
  for (std::size_t number = 0; number < members.size(); ++number) {
    const std::span<float> centroid =
        std::span(state.clusters.centroids).subspan(number * columns, columns);
    if (members[number] > 0) {
      // Where the mean has no direction the centroid stays.
      (void)set_direction(std::span(sums).subspan(number * columns, columns), centroid);
      continue;
    }
    const auto farthest = std::min_element(state.cosine.begin(), state.cosine.end());
    const std::span<const float> row = rows.row(farthest - state.cosine.begin());
    std::copy(row.begin(), row.end(), centroid.begin());
    *farthest = 2;  // not for a second empty cluster
  }
}

}  // namespace

SphericalClusters spherical_kmeans(const UnitRows& rows, std::int64_t count, std::uint64_t seed) {
  check_unit_rows("k-means", rows);
  if (count < 1 || rows.values.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("k-means: expected at least one cluster and one row, found {} and {}; "
                            "ask for more",
                            count,
                            rows.count()));
  }
  Rng rng(seed, "spherical_kmeans", {});
  KmeansState state;
  state.clusters.assigned.assign(static_cast<std::size_t>(rows.count()), -1);
  state.cosine.resize(static_cast<std::size_t>(rows.count()));
  plant_centroids(rows, std::min(count, rows.count()), rng, state);
  for (int round = 0; assign_rows(rows, state) && round < kMostRounds; ++round) {
    move_centroids(rows, state);
  }
  for (const float cosine : state.cosine) {
    state.clusters.mean_cosine += cosine;
  }
  state.clusters.mean_cosine /= static_cast<double>(rows.count());
  return std::move(state.clusters);
}

}  // namespace marrow
