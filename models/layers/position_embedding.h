#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace marrow {

// Fixed sine-cosine positions of a grid of tokens: [L, width] float64, rows in order (d, h, w).
//
// Each axis has 2f channels, f = width / (2 * axes) rounded down: sin(p * w_i), then cos(p * w_i),
// with w_i = 10000^(-i / f) and p the token's place along the axis. The last axis comes first (2D:
// column, row; 3D: w, h, d), and what is left of `width` is 0.
//
// Source: He et al. 2022 (MAE) in 2D; thirds in 3D are ours. Golden vectors: pos_embed.
[[nodiscard]] at::Tensor sincos_positions(at::IntArrayRef grid, std::int64_t width);

// Positions made for one grid, at the places of another: [1, L, D] -> [1, L', D], bicubic in 2D and
// trilinear in 3D, corners not aligned, without antialiasing, as fine-tunings of MAE do. Returns
// `positions` itself for an equal grid.
[[nodiscard]] at::Tensor resized_positions(const at::Tensor& positions,
                                           at::IntArrayRef from,
                                           at::IntArrayRef to);

// sincos_positions of the grid that was asked for last, kept, since a network sees one size nearly
// always. Not for several threads at a time.
class FixedPositions {
 public:
  explicit FixedPositions(std::int64_t width) : width_(width) {}

  // [1, L, width] on `like`'s device, float32 (float64 where `like` is).
  [[nodiscard]] at::Tensor of(at::IntArrayRef grid, const at::Tensor& like);

 private:
  std::int64_t width_;
  std::vector<std::int64_t> grid_;
  at::Tensor positions_;
};

}  // namespace marrow
