#include "models/layers/linear.h"

#include <cmath>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

namespace marrow {

namespace {

at::Tensor cut_normal(at::IntArrayRef shape, double deviation) {
  const at::NoGradGuard no_grad;
  // The inverse of the normal's distribution function at uniform numbers between its values at -2
  // and 2.
  constexpr double kShareBelowTwo = 0.97724986805182079;
  const at::Tensor share = at::empty(shape).uniform_(1 - kShareBelowTwo, kShareBelowTwo);
  return (2 * share - 1).erfinv() * (deviation * std::sqrt(2.0));
}

}  // namespace

at::Tensor xavier_uniform(at::IntArrayRef shape, std::int64_t in, std::int64_t out) {
  const at::NoGradGuard no_grad;
  const double bound = std::sqrt(6.0 / static_cast<double>(in + out));
  return at::empty(shape).uniform_(-bound, bound);
}

Linear::Linear(std::int64_t in, std::int64_t out) : Linear(xavier_uniform({out, in}, in, out)) {}

Linear::Linear(std::int64_t in, std::int64_t out, double deviation)
    : Linear(cut_normal({out, in}, deviation)) {}

Linear::Linear(const at::Tensor& weight)
    : weight_(register_parameter("weight", weight)),
      bias_(register_parameter("bias", at::zeros({weight.size(0)}))) {}

at::Tensor Linear::forward(const at::Tensor& x) const {
  return at::linear(x, weight_, bias_);
}

}  // namespace marrow
