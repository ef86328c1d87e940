#pragma once

#include <limits>

#include <ATen/core/Tensor.h>

namespace marrow {

struct NormActOptions {
  bool over_batch = false;  // statistics per channel over the whole batch; false: per sample too
  double eps = 1e-5;
  double slope = 0.01;  // of the activation's negative side, >= 0; 1: no activation, 0: ReLU
  double cap = std::numeric_limits<double>::infinity();  // its upper end; 6: ReLU6
};

struct NormActResult {
  at::Tensor y;         // as x
  at::Tensor mean;      // [B, C], over the batch [1, C]; at least float32, not differentiable
  at::Tensor variance;  // biased, as `mean`
};

// Norm with the statistics of x itself, an optional residual and an activation in one pass:
//
//   y = min(cap, leaky_relu(gamma * (x - mean) / sqrt(variance + eps) + beta + residual))
//
// with mean and variance over the visible positions, and y = 0 at hidden ones. Over single samples
// that is an instance norm, over the batch a batch norm in training.
//
// x: [B, C, spatial...]. gamma, beta: [C]. mask: [B, 1, spatial...] bool, or undefined for "all
// visible". residual: as x, or undefined. Differentiable in x, gamma, beta and residual. On the CPU
// in float32 and bfloat16 a fused kernel (vectorised, bits independent of the number of threads);
// elsewhere the same formula from LibTorch operations, and
// while these are traced for an export, from as few as will do.
[[nodiscard]] NormActResult norm_act(const at::Tensor& x,
                                     const at::Tensor& gamma,
                                     const at::Tensor& beta,
                                     const at::Tensor& mask,
                                     const at::Tensor& residual,
                                     const NormActOptions& options);

// The same from LibTorch operations only: what the kernel is tested against.
[[nodiscard]] NormActResult norm_act_reference(const at::Tensor& x,
                                               const at::Tensor& gamma,
                                               const at::Tensor& beta,
                                               const at::Tensor& mask,
                                               const at::Tensor& residual,
                                               const NormActOptions& options);

}  // namespace marrow
