#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/rng.h"

namespace marrow::testing {

// Unit vectors around count / 4 + 1 centres, with noise whose share of the length differs from
// vector to vector, so that cosines near 1 and far from it are among them.
inline std::vector<float> clustered_rows(std::int64_t count,
                                         std::int64_t dimensions,
                                         std::uint64_t seed) {
  Rng rng(seed);
  const std::int64_t centres = count / 4 + 1;
  std::vector<float> middle(static_cast<std::size_t>(centres * dimensions));
  for (float& value : middle) {
    value = static_cast<float>(rng.normal());
  }
  std::vector<float> rows;
  for (std::int64_t n = 0; n < count; ++n) {
    const std::int64_t centre = rng.below(centres);
    const double noise = rng.uniform(0, 0.6);
    double squared = 0;
    std::vector<double> row;
    for (std::int64_t i = 0; i < dimensions; ++i) {
      row.push_back(middle[static_cast<std::size_t>(centre * dimensions + i)] +
                    noise * rng.normal());
      squared += row.back() * row.back();
    }
    for (const double value : row) {
      rows.push_back(static_cast<float>(value / std::sqrt(squared)));
    }
  }
  return rows;
}

}  // namespace marrow::testing
