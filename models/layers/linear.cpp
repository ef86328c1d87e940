#include "models/layers/linear.h"

#include <cmath>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

namespace marrow {

at::Tensor xavier_uniform(at::IntArrayRef shape, std::int64_t in, std::int64_t out) {
  const at::NoGradGuard no_grad;
  const double bound = std::sqrt(6.0 / static_cast<double>(in + out));
  return at::empty(shape).uniform_(-bound, bound);
}

Linear::Linear(std::int64_t in, std::int64_t out) {
  weight_ = register_parameter("weight", xavier_uniform({out, in}, in, out));
  bias_ = register_parameter("bias", at::zeros({out}));
}

at::Tensor Linear::forward(const at::Tensor& x) const {
  return at::linear(x, weight_, bias_);
}

}  // namespace marrow
