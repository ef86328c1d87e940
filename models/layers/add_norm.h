#pragma once

#include <ATen/core/Tensor.h>

namespace marrow {

struct NormedSum {
  at::Tensor sum;     // x + branch; x itself without a branch
  at::Tensor normed;  // the layer norm of `sum` over its last axis
};

// A branch joins the stream of a transformer, and the stream is normalised, in one pass over
// memory.
//
// x: [..., width]; branch: of the same shape, or undefined; weight, bias: [width]. Under autocast
// `normed` has its type, so that a linear layer need not convert it; the sum keeps that of x.
//
// Float32 and bfloat16 on CPUs run in a kernel of our own, everything else through LibTorch.
[[nodiscard]] NormedSum add_norm(const at::Tensor& x,
                                 const at::Tensor& branch,
                                 const at::Tensor& weight,
                                 const at::Tensor& bias,
                                 double eps);

}  // namespace marrow
