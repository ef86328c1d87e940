#include "ssl/mask_token.h"

#include <cmath>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

namespace marrow {

at::Tensor mask_token(const std::vector<std::int64_t>& shape) {
  const at::NoGradGuard no_grad;
  at::Tensor values = at::empty(shape);
  // inverse of the normal distribution on the interval [-1, 1]
  const double low = 0.5 * (1 + std::erf(-1 / std::sqrt(2.0)));
  values.uniform_(2 * low - 1, 1 - 2 * low);
  return values.erfinv_().mul_(0.02 * std::sqrt(2.0)).clamp_(-0.02, 0.02);
}

}  // namespace marrow
