#pragma once

#include <ATen/core/Tensor.h>

namespace marrow {

// Instance norm, an optional residual, and leaky ReLU in one pass:
//
//   y = leaky_relu(gamma * (x - mean) / sqrt(var + eps) + beta + residual)
//
// with mean and (biased) variance per sample and channel over the visible positions, and y = 0 at
// hidden ones.
//
// x: [B, C, spatial...]. gamma, beta: [C]. mask: [B, 1, spatial...] bool, or undefined for "all
// visible". residual: as x, or undefined. slope: of the negative side, >= 0; 1 means no activation.
// Differentiable in x, gamma, beta and residual. On the CPU in float32 a fused kernel (vectorised,
// bits independent of the number of threads); elsewhere the same formula from LibTorch operations.
// Statistics are float32 whatever the input type.
[[nodiscard]] at::Tensor instance_norm_act(const at::Tensor& x,
                                           const at::Tensor& gamma,
                                           const at::Tensor& beta,
                                           const at::Tensor& mask,
                                           const at::Tensor& residual,
                                           double eps,
                                           double slope);

// The same from LibTorch operations only: what the kernel is tested against.
[[nodiscard]] at::Tensor instance_norm_act_reference(const at::Tensor& x,
                                                     const at::Tensor& gamma,
                                                     const at::Tensor& beta,
                                                     const at::Tensor& mask,
                                                     const at::Tensor& residual,
                                                     double eps,
                                                     double slope);

}  // namespace marrow
