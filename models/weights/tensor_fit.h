#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace marrow {

// How a 2D kernel becomes a 3D one. kAverage repeats it along the depth and divides by the depth;
// kCentre puts it into the middle slice and leaves the others 0. Both give the 2D network's
// features on volumes that are constant along the depth, away from padding.
// Source: Carreira & Zisserman 2017 (average).
enum class Inflation { kAverage, kCentre };

// "average" or "centre"; throws Error{kInvalidArgument} on another word.
[[nodiscard]] Inflation inflation_from_name(std::string_view word);

// kernel: [out, in, H, W]. Returns [out, in, depth, H, W].
[[nodiscard]] at::Tensor inflate_kernel(const at::Tensor& kernel,
                                        std::int64_t depth,
                                        Inflation inflation);

// A stem's kernel [out, in, ...] for another number of input channels: the sum over the inputs for
// one channel (what a grey image repeated in every channel would see), otherwise the inputs in
// turn, scaled by old / new, so that a constant input keeps its size.
[[nodiscard]] at::Tensor adapt_input_channels(const at::Tensor& kernel, std::int64_t channels);

// A table of positions [1, rows + product(from), F] on another grid of tokens: `rows` leading rows
// (class token) are kept; those that the new table has and the old one lacks are 0; one more than
// it has is dropped. Bicubic with antialiasing between 2D grids (as timm resamples), trilinear
// between 3D grids, and a 2D table is repeated along the depth of a 3D grid. Returns [1, to_rows +
// product(to), F].
[[nodiscard]] at::Tensor resize_positions(const at::Tensor& table,
                                          const std::vector<std::int64_t>& from,
                                          std::int64_t from_rows,
                                          const std::vector<std::int64_t>& to,
                                          std::int64_t to_rows);

struct FitOptions {
  Inflation inflation = Inflation::kAverage;
  bool stem = false;       // the first convolution: its input channels may be adapted
  bool positions = false;  // a table of positions
  bool class_row = false;  // the file has a class token, so that its table begins with its row
  std::int64_t source_dimensions = 2;  // of the network that the file is of; 2 or 3
  std::vector<std::int64_t> grid;      // of our tokens; empty: not known
};

struct FittedTensor {
  at::Tensor tensor;  // undefined when it cannot be made to fit
  std::string how;    // what was done, as a phrase; empty when nothing had to be
};

// `value` in the shape of `target`.
[[nodiscard]] FittedTensor fit_tensor(const at::Tensor& value,
                                      const at::Tensor& target,
                                      const FitOptions& options);

// The square (or, with 3 dimensions, the cube) of `count` cells; empty when there is none.
[[nodiscard]] std::vector<std::int64_t> even_grid(std::int64_t count, std::int64_t dimensions);

// "[64, 3, 7, 7]"
[[nodiscard]] std::string shape_text(const at::Tensor& tensor);

}  // namespace marrow
