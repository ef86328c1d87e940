#include "models/layers/linear.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

namespace marrow {

Linear::Linear(std::int64_t in, std::int64_t out, double init_std) {
  // The inverse of the normal's distribution function at uniform numbers between its values at -2
  // and 2.
  constexpr double kShareBelowTwo = 0.97724986805182079;  // of a standard normal
  const at::Tensor share = at::empty({out, in}).uniform_(1 - kShareBelowTwo, kShareBelowTwo);
  weight_ = register_parameter(
      "weight", ((2 * share - 1).erfinv() * (init_std * 1.4142135623730951)).contiguous());
  bias_ = register_parameter("bias", at::zeros({out}));
}

at::Tensor Linear::forward(const at::Tensor& x) const {
  return at::linear(x, weight_, bias_);
}

}  // namespace marrow
