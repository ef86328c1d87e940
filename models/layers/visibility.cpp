#include "models/layers/visibility.h"

#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

Visibility::Visibility(const at::Tensor& grid) : grid_(grid.contiguous()) {
  if (grid.scalar_type() != at::kBool || grid.dim() < 4 || grid.size(1) != 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "visibility: expected a [B, 1, spatial...] boolean grid");
  }
  const at::Tensor counts = grid_.flatten(1).to(at::kLong).sum(1).cpu();
  visible_ = counts[0].item<std::int64_t>();
  if (visible_ < 1 || !counts.eq(visible_).all().item<bool>()) {
    throw Error(ErrorCode::kInvalidArgument,
                "visibility: every row of a batch must have the same number of visible cells, at "
                "least one");
  }
}

const at::Tensor& Visibility::at_size(at::IntArrayRef spatial) const {
  const std::vector<std::int64_t> key = spatial.vec();
  const auto found = masks_.find(key);
  if (found != masks_.end()) {
    return found->second;
  }
  at::Tensor mask = grid_;
  MARROW_CHECK(static_cast<std::int64_t>(key.size()) + 2 == grid_.dim());
  for (std::size_t axis = 0; axis < key.size(); ++axis) {
    const auto dimension = static_cast<std::int64_t>(axis) + 2;
    const std::int64_t cells = grid_.size(dimension);
    if (key[axis] < cells || key[axis] % cells != 0) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format(
              "visibility: a map of {} voxels along spatial axis {} is no multiple of the {} mask "
              "cells; choose a patch size that is a multiple of the encoder's total stride",
              key[axis],
              axis,
              cells));
    }
    mask = mask.repeat_interleave(key[axis] / cells, dimension);
  }
  return masks_.emplace(key, mask.contiguous()).first->second;
}

const at::Tensor& Visibility::rows_at_size(at::IntArrayRef spatial) const {
  const std::vector<std::int64_t> key = spatial.vec();
  const auto found = rows_.find(key);
  if (found != rows_.end()) {
    return found->second;
  }
  return rows_.emplace(key, at_size(spatial).flatten().nonzero().flatten()).first->second;
}

at::Tensor Visibility::select(const at::Tensor& x) const {
  return at::where(at_size(x.sizes().slice(2)), x, at::zeros({}, x.options()));
}

}  // namespace marrow
