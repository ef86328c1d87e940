#pragma once

#include <cstdint>
#include <span>

namespace marrow {

// A slice of a sheared stack, row by row; pixels without a picture are NaN.
struct ShearedSlice {
  std::span<const float> values;
  std::int64_t columns = 0, rows = 0;
};

// Puts a slice on a larger grid of the same pixels: out(i, j) is the slice at (i - shift_i,
// j - shift_j), both >= 0 in pixels, linear between pixels. Where one of the pixels it lies between
// is outside the picture, nothing is mixed: the nearest one decides. Pixels of `out`
// (out_columns x out_rows) that get no value become NaN.
void unshear_slice(const ShearedSlice& slice,
                   double shift_i,
                   double shift_j,
                   std::int64_t out_columns,
                   std::span<float> out);

}  // namespace marrow
