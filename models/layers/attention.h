#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "models/layers/linear.h"

namespace marrow {

// How softmax(q k^T / sqrt(F)) v is computed.
enum class AttentionKernel {
  kFused,     // LibTorch's: no [N, N] scores in memory
  kExplicit,  // matrix product, softmax, matrix product
};

// The faster kernel by the kind of processor and of numbers, never by a clock, so that a run can be
// repeated: on a processor without a unit that multiplies matrices of bfloat16 the fused kernel is
// slow in bfloat16.
[[nodiscard]] AttentionKernel attention_kernel(const at::Device& device, at::ScalarType type);

// q, k, v: [B, heads, N, F] -> [B, heads, N, F].
[[nodiscard]] at::Tensor attend(const at::Tensor& q,
                                const at::Tensor& k,
                                const at::Tensor& v,
                                AttentionKernel kernel);

// Multi-head self-attention under timm's names: "qkv" [3 * width, width] (queries of all heads,
// then keys, then values) and "proj".
//
// Source: Vaswani et al. 2017.
class Attention : public torch::nn::Module {
 public:
  // Throws Error{kInvalidArgument} when `heads` does not divide `width`.
  Attention(std::int64_t width, std::int64_t heads);

  // [B, N, width] -> [B, N, width]
  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;

 private:
  std::int64_t heads_;
  std::shared_ptr<Linear> qkv_;
  std::shared_ptr<Linear> proj_;
};

}  // namespace marrow
