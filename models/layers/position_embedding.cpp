#include "models/layers/position_embedding.h"

#include <cmath>

#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_trilinear3d.h>
#include <ATen/ops/zeros.h>

#include "core/error.h"

namespace marrow {

at::Tensor sincos_positions(at::IntArrayRef grid, std::int64_t width) {
  const auto axes = static_cast<std::int64_t>(grid.size());
  MARROW_CHECK(axes >= 1 && width >= 1);
  std::int64_t tokens = 1;
  for (const std::int64_t cells : grid) {
    tokens *= cells;
  }
  const std::int64_t frequencies = width / (2 * axes);
  at::Tensor positions = at::zeros({tokens, width}, at::TensorOptions().dtype(at::kDouble));
  double* const values = positions.mutable_data_ptr<double>();
  for (std::int64_t token = 0; token < tokens; ++token) {
    std::int64_t rest = token;
    double* channel = values + token * width;
    for (std::int64_t axis = axes - 1; axis >= 0; --axis) {
      const std::int64_t cells = grid[static_cast<std::size_t>(axis)];
      const auto place = static_cast<double>(rest % cells);
      rest /= cells;
      for (std::int64_t i = 0; i < frequencies; ++i) {
        const double angle =
            place * std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(frequencies));
        channel[i] = std::sin(angle);
        channel[frequencies + i] = std::cos(angle);
      }
      channel += 2 * frequencies;
    }
  }
  return positions;
}

at::Tensor resized_positions(const at::Tensor& positions,
                             at::IntArrayRef from,
                             at::IntArrayRef to) {
  MARROW_CHECK(from.size() == to.size() && (from.size() == 2 || from.size() == 3));
  if (from == to) {
    return positions;
  }
  const at::Tensor map = positions.transpose(1, 2).unflatten(2, from);
  const at::Tensor resized = from.size() == 3 ? at::upsample_trilinear3d(map, to, false)
                                              : at::upsample_bicubic2d(map, to, false);
  return resized.flatten(2).transpose(1, 2);
}

at::Tensor FixedPositions::of(at::IntArrayRef grid, const at::Tensor& like) {
  const at::ScalarType type = like.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  if (!positions_.defined() || at::IntArrayRef(grid_) != grid ||
      positions_.device() != like.device() || positions_.scalar_type() != type) {
    grid_ = grid.vec();
    positions_ = sincos_positions(grid, width_).unsqueeze(0).to(like.device(), type);
  }
  return positions_;
}

}  // namespace marrow
