#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace marrow {

// Feature vectors, one a row, row by row in memory. Borrowed.
struct FeatureRows {
  std::span<const float> values;
  std::int64_t rows = 0, columns = 0;

  [[nodiscard]] std::span<const float> row(std::int64_t number) const {
    return values.subspan(static_cast<std::size_t>(number * columns),
                          static_cast<std::size_t>(columns));
  }
};

// Throws Error{kInvalidArgument} unless there is at least one row and one column, the values are as
// many as they say, finite, and every row has length 1 within 1e-3. `what` names them in the
// message.
void check_unit_rows(const FeatureRows& features, std::string_view what);

// The inner product of two spans of one length. Summed in one fixed order, so that the bits of a
// cosine do not depend on where its row lies or what is computed beside it, as those of a matrix
// product may.
[[nodiscard]] float inner_product(std::span<const float> a, std::span<const float> b);

}  // namespace marrow
