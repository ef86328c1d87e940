#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace marrow {

// Feature vectors of length 1, row by row: values.size() is a multiple of `dimensions`.
struct UnitRows {
  std::span<const float> values;
  std::int64_t dimensions = 0;

  [[nodiscard]] std::int64_t count() const {
    return static_cast<std::int64_t>(values.size()) / dimensions;
  }

  [[nodiscard]] std::span<const float> row(std::int64_t n) const {
    return values.subspan(static_cast<std::size_t>(n * dimensions),
                          static_cast<std::size_t>(dimensions));
  }
};

// How far from 1 the square of a row's length may be.
inline constexpr double kUnitTolerance = 1e-3;
inline constexpr std::int64_t kMostDimensions = 65'536;
inline constexpr std::int64_t kMostRows = std::int64_t{1} << 31;

// Throws Error{kInvalidArgument}, beginning with `what`, unless there are 1 to 65536 dimensions,
// the values fill whole rows (at most 2^31) and every row is finite and of length 1.
void check_unit_rows(std::string_view what, const UnitRows& rows);

// The dot product of two rows of one length: products are exact in double, summed in an order that
// depends on the length alone, and the sum is rounded to float. The same bits on every processor,
// and the same for (a, b) and (b, a).
[[nodiscard]] float unit_cosine(std::span<const float> a, std::span<const float> b);

}  // namespace marrow
