#pragma once

#include <ATen/core/Tensor.h>

namespace marrow {

// x times the share of the standard normal below x ("exact" GELU), in the type of x.
//
// Float32 and bfloat16 on CPUs run in a kernel of our own, within 1e-7 * |x| of the exact value;
// everything else through LibTorch.
//
// Source: Hendrycks & Gimpel 2016.
[[nodiscard]] at::Tensor exact_gelu(const at::Tensor& x);

}  // namespace marrow
