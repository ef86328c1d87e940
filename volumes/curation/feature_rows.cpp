#include "volumes/curation/feature_rows.h"

#include <array>
#include <cmath>

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

void check_unit_rows(const FeatureRows& features, std::string_view what) {
  if (features.rows < 1 || features.columns < 1 ||
      static_cast<std::int64_t>(features.values.size()) / features.columns != features.rows ||
      static_cast<std::int64_t>(features.values.size()) % features.columns != 0) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}: expected at least one row of features and rows x columns values, "
                            "found {} values for {} x {}; pass the whole matrix",
                            what,
                            features.values.size(),
                            features.rows,
                            features.columns));
  }
  for (std::int64_t row = 0; row < features.rows; ++row) {
    double square = 0;
    for (const float value : features.row(row)) {
      square += static_cast<double>(value) * value;
    }
    // Written so that NaN fails too.
    if (!(std::abs(std::sqrt(square) - 1) <= 1e-3)) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("{}: expected feature rows of length 1, found {} in row {}; divide "
                              "each row by its length",
                              what,
                              std::sqrt(square),
                              row + 1));
    }
  }
}

float inner_product(std::span<const float> a, std::span<const float> b) {
  MARROW_CHECK(a.size() == b.size());
  // Sums side by side, of a number known to the compiler: it can keep them in vector registers.
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> sums{};
  const std::size_t whole = a.size() / kLanes * kLanes;
  const float* left = a.data();
  const float* right = b.data();
  for (std::size_t n = 0; n < whole; n += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += left[n + lane] * right[n + lane];
    }
  }
  for (std::size_t n = whole; n < a.size(); ++n) {
    sums[n - whole] += left[n] * right[n];
  }
  for (std::size_t step = kLanes / 2; step > 0; step /= 2) {
    for (std::size_t lane = 0; lane < step; ++lane) {
      sums[lane] += sums[lane + step];
    }
  }
  return sums[0];
}

}  // namespace marrow
