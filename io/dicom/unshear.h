#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace marrow {

// A slice of a sheared stack, row by row.
struct ShearedSlice {
  std::span<const float> values;
  std::int64_t columns = 0, rows = 0;
  const std::vector<bool>* outside = nullptr;  // pixels without a picture; null or empty: none
};

// Puts a slice on a larger grid of the same pixels: out(i, j) is the slice at (i - shift_i,
// j - shift_j), both >= 0 in pixels, linear between pixels. Where one of the pixels it lies between
// is outside the picture, nothing is mixed: the nearest one decides. Returns which pixels of `out`
// (out_columns x out_rows) got no value; they are left as they are.
[[nodiscard]] std::vector<bool> unshear_slice(const ShearedSlice& slice,
                                              double shift_i,
                                              double shift_j,
                                              std::int64_t out_columns,
                                              std::span<float> out);

}  // namespace marrow
