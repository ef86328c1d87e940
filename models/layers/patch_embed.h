#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace marrow {

// Turns patches of an image into tokens: a convolution with kernel = stride = patch, computed as
// the matrix product that it is, so that patches which are not looked at cost nothing. Parameters
// "proj.weight" [width, C, patch...] and "proj.bias", the weights drawn as those of a linear layer.
//
// Source: Dosovitskiy et al. 2021 (ViT).
class PatchEmbed : public torch::nn::Module {
 public:
  // patch: one size per spatial axis (D, H, W or H, W).
  PatchEmbed(std::int64_t channels, std::int64_t width, const std::vector<std::int64_t>& patch);

  // Patches per axis of x [B, C, spatial...]. Throws Error{kInvalidArgument} when a size is not a
  // multiple of the patch or the number of axes or channels is another.
  [[nodiscard]] std::vector<std::int64_t> grid(const at::Tensor& x) const;

  // [B, L, width], tokens in order (d, h, w). With `kept` [B, K] int64: [B, K, width], of those
  // patches only, in that order.
  [[nodiscard]] at::Tensor forward(const at::Tensor& x, const at::Tensor& kept = {}) const;

 private:
  std::vector<std::int64_t> patch_;
  at::Tensor weight_;
  at::Tensor bias_;
};

// Rows of tokens [B, L, F] by `index` [B, K] int64: [B, K, F].
[[nodiscard]] at::Tensor gather_tokens(const at::Tensor& tokens, const at::Tensor& index);

}  // namespace marrow
