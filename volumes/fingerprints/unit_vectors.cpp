#include "volumes/fingerprints/unit_vectors.h"

#include <array>
#include <cmath>
#include <cstddef>

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

namespace {

double exact_dot(std::span<const float> a, std::span<const float> b) {
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> sums{};
  const std::size_t whole = a.size() / kLanes * kLanes;
  for (std::size_t n = 0; n < whole; n += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += static_cast<double>(a[n + lane]) * static_cast<double>(b[n + lane]);
    }
  }
  for (std::size_t n = whole; n < a.size(); ++n) {
    sums[n - whole] += static_cast<double>(a[n]) * static_cast<double>(b[n]);
  }
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

}  // namespace

void check_unit_rows(std::string_view what, const UnitRows& rows) {
  if (rows.dimensions < 1 || rows.dimensions > kMostDimensions) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}: expected vectors of 1 to {} dimensions, found {}",
                            what,
                            kMostDimensions,
                            rows.dimensions));
  }
  if (rows.values.size() % static_cast<std::size_t>(rows.dimensions) != 0 ||
      rows.count() > kMostRows) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}: expected whole vectors of {} values, at most {} of them, found {} "
                            "values",
                            what,
                            rows.dimensions,
                            kMostRows,
                            rows.values.size()));
  }
  for (std::int64_t n = 0; n < rows.count(); ++n) {
    const double squared = exact_dot(rows.row(n), rows.row(n));
    // A NaN fails the comparison.
    if (!(std::abs(squared - 1) <= kUnitTolerance)) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("{}: expected vectors of length 1, found vector {} of length {:.6g}; "
                              "divide each by its length and leave out zero vectors",
                              what,
                              n,
                              std::sqrt(squared)));
    }
  }
}

float unit_cosine(std::span<const float> a, std::span<const float> b) {
  MARROW_CHECK(a.size() == b.size());
  return static_cast<float>(exact_dot(a, b));
}

}  // namespace marrow
