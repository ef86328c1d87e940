#include "models/layers/token_norm.h"

#include <ATen/ops/layer_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

namespace marrow {

TokenNorm::TokenNorm(std::int64_t width) {
  weight_ = register_parameter("weight", at::ones({width}));
  bias_ = register_parameter("bias", at::zeros({width}));
}

at::Tensor TokenNorm::forward(const at::Tensor& x) const {
  return at::layer_norm(x, {x.size(-1)}, weight_, bias_, kTokenNormEps);
}

NormedSum TokenNorm::of_sum(const at::Tensor& x, const at::Tensor& branch) const {
  return add_norm(x, branch, weight_, bias_, kTokenNormEps);
}

}  // namespace marrow
