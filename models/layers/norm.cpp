#include "models/layers/norm.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "core/error.h"
#include "models/layers/norm_act.h"

namespace marrow {

namespace {

constexpr double kBatchMomentum = 0.1;

}  // namespace

NormKind norm_kind(const std::string& word) {
  if (word == "instance") {
    return NormKind::kInstance;
  }
  if (word == "batch") {
    return NormKind::kBatch;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "norm: expected instance or batch, found \"" + word + "\"");
}

NormAct::NormAct(NormKind kind, std::int64_t channels, double slope, double cap)
    : kind_(kind), slope_(slope), cap_(cap) {
  weight_ = register_parameter("weight", at::ones({channels}));
  bias_ = register_parameter("bias", at::zeros({channels}));
  if (kind_ == NormKind::kBatch) {
    running_mean_ = register_buffer("running_mean", at::zeros({channels}));
    running_var_ = register_buffer("running_var", at::ones({channels}));
  }
}

at::Tensor NormAct::with_running_statistics(const at::Tensor& x, const at::Tensor& residual) const {
  at::Tensor y = at::batch_norm(
      x, weight_, bias_, running_mean_, running_var_, false, kBatchMomentum, eps_, false);
  if (residual.defined()) {
    y = y + residual;
  }
  if (slope_ != 1.0) {
    y = at::leaky_relu(y, slope_);
  }
  return std::isfinite(cap_) ? y.clamp_max(cap_) : y;
}

at::Tensor NormAct::forward(const at::Tensor& x,
                            const Visibility* visible,
                            const at::Tensor& residual) {
  if (kind_ == NormKind::kBatch && !is_training()) {
    const at::Tensor y = with_running_statistics(x, residual);
    return visible == nullptr ? y : visible->select(y);
  }
  const at::Tensor mask = visible == nullptr ? at::Tensor() : visible->at_size(x.sizes().slice(2));
  const NormActResult result = norm_act(
      x,
      weight_,
      bias_,
      mask,
      residual,
      {.over_batch = kind_ == NormKind::kBatch, .eps = eps_, .slope = slope_, .cap = cap_});
  if (kind_ == NormKind::kBatch) {
    const std::int64_t positions =
        mask.defined() ? mask.sum().item<std::int64_t>() : x.numel() / x.size(1);
    const auto count = static_cast<double>(positions);
    const at::NoGradGuard no_grad;
    running_mean_.lerp_(result.mean[0].to(running_mean_.scalar_type()), kBatchMomentum);
    running_var_.lerp_(result.variance[0].to(running_var_.scalar_type()) * (count / (count - 1)),
                       kBatchMomentum);
  }
  return result.y;
}

}  // namespace marrow
