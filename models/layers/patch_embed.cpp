#include "models/layers/patch_embed.h"

#include <memory>
#include <string>

#include <ATen/ops/gather.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include "core/error.h"
#include "models/layers/linear.h"

namespace marrow {

at::Tensor gather_tokens(const at::Tensor& tokens, const at::Tensor& index) {
  return at::gather(
      tokens, 1, index.unsqueeze(-1).expand({index.size(0), index.size(1), tokens.size(2)}));
}

PatchEmbed::PatchEmbed(std::int64_t channels,
                       std::int64_t width,
                       const std::vector<std::int64_t>& patch)
    : patch_(patch) {
  MARROW_CHECK(patch_.size() == 2 || patch_.size() == 3);
  std::vector<std::int64_t> shape = {width, channels};
  std::int64_t values = channels;
  for (const std::int64_t side : patch_) {
    shape.push_back(side);
    values *= side;
  }
  const auto proj = register_module("proj", std::make_shared<torch::nn::Module>());
  weight_ = proj->register_parameter("weight", xavier_uniform(shape, values, width));
  bias_ = proj->register_parameter("bias", at::zeros({width}));
}

std::vector<std::int64_t> PatchEmbed::grid(const at::Tensor& x) const {
  const auto rank = static_cast<std::int64_t>(patch_.size());
  if (x.dim() != rank + 2 || x.size(1) != weight_.size(1)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("patch embedding: expected {} channels on {} spatial axes, found a "
                            "tensor of {} axes with {} channels; set encoder.input_channels and "
                            "encoder.dimensions to those of the data",
                            weight_.size(1),
                            rank,
                            x.dim(),
                            x.dim() > 1 ? x.size(1) : 0));
  }
  std::vector<std::int64_t> grid;
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    const std::int64_t side = patch_[static_cast<std::size_t>(axis)];
    if (x.size(axis + 2) % side != 0 || x.size(axis + 2) == 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("patch embedding: the input's {} voxels along spatial axis {} must "
                              "be a multiple of the encoder's stride {}; change data.patch_size "
                              "or encoder.patch",
                              x.size(axis + 2),
                              axis,
                              side));
    }
    grid.push_back(x.size(axis + 2) / side);
  }
  return grid;
}

at::Tensor PatchEmbed::forward(const at::Tensor& x, const at::Tensor& kept) const {
  const std::vector<std::int64_t> cells = grid(x);
  const auto rank = static_cast<std::int64_t>(patch_.size());
  // [B, C, d, pd, h, ph, w, pw] -> [B, d, h, w, C, pd, ph, pw], the order of the weights.
  std::vector<std::int64_t> split = {x.size(0), x.size(1)};
  std::vector<std::int64_t> order = {0};
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    split.push_back(cells[static_cast<std::size_t>(axis)]);
    split.push_back(patch_[static_cast<std::size_t>(axis)]);
    order.push_back(2 + 2 * axis);
  }
  order.push_back(1);
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    order.push_back(3 + 2 * axis);
  }
  at::Tensor patches = x.reshape(split).permute(order).flatten(1 + rank).flatten(1, rank);
  if (kept.defined()) {
    patches = gather_tokens(patches, kept);
  }
  return at::linear(patches, weight_.flatten(1), bias_);
}

}  // namespace marrow
