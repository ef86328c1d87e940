#include "models/layers/norm.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "models/layers/channel_norm.h"
#include "models/layers/drop_path.h"
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
  if (word == "group") {
    return NormKind::kGroup;
  }
  if (word == "layer") {
    return NormKind::kLayer;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "norm: expected instance, batch, group or layer, found \"" + word + "\"");
}

NormAct::NormAct(const NormOptions& norm, std::int64_t channels, double slope, double cap)
    : norm_(norm), activation_{slope, cap} {
  if (norm.kind == NormKind::kGroup && (norm.groups < 1 || channels % norm.groups != 0)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("norm: {} channels cannot be cut into {} groups of equal size; choose "
                            "norm_groups that divides the channels of every layer",
                            channels,
                            norm.groups));
  }
  weight_ = register_parameter("weight", at::ones({channels}));
  bias_ = register_parameter("bias", at::zeros({channels}));
  if (norm.kind == NormKind::kBatch) {
    running_mean_ = register_buffer("running_mean", at::zeros({channels}));
    running_var_ = register_buffer("running_var", at::ones({channels}));
  }
}

at::Tensor NormAct::fused(const at::Tensor& x,
                          const Visibility* visible,
                          const at::Tensor& residual,
                          const Activation& activation) {
  const bool over_batch = norm_.kind == NormKind::kBatch;
  const at::Tensor mask = visible == nullptr ? at::Tensor() : visible->at_size(x.sizes().slice(2));
  const NormActResult result = norm_act(
      x,
      weight_,
      bias_,
      mask,
      residual,
      {.over_batch = over_batch, .eps = eps_, .slope = activation.slope, .cap = activation.cap});
  if (over_batch) {
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

at::Tensor NormAct::normed(const at::Tensor& x, const Visibility* visible) {
  if (norm_.kind == NormKind::kGroup) {
    return group_norm(x, weight_, bias_, visible, norm_.groups, eps_);
  }
  if (norm_.kind == NormKind::kLayer) {
    return channel_norm(x, weight_, bias_, visible, eps_);
  }
  if (norm_.kind == NormKind::kBatch && !is_training()) {
    const at::Tensor y = at::batch_norm(
        x, weight_, bias_, running_mean_, running_var_, false, kBatchMomentum, eps_, false);
    return visible == nullptr ? y : visible->select(y);
  }
  return fused(x, visible, {}, {1.0, std::numeric_limits<double>::infinity()});
}

at::Tensor NormAct::forward(const at::Tensor& x,
                            const Visibility* visible,
                            const at::Tensor& residual,
                            double drop_rate) {
  if (residual.defined() && residual.sizes() != x.sizes()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("norm: a map of {} and its shortcut of {} differ in size; the input must be a "
                    "multiple of the encoder's stride along every axis",
                    fmt::join(x.sizes(), "x"),
                    fmt::join(residual.sizes(), "x")));
  }
  const bool drops = residual.defined() && is_training() && drop_rate > 0.0;
  if (!drops &&
      (norm_.kind == NormKind::kInstance || (norm_.kind == NormKind::kBatch && is_training()))) {
    return fused(x, visible, residual, activation_);
  }
  // Norm, residual and activation all keep the 0 of hidden positions.
  at::Tensor y = normed(x, visible);
  if (residual.defined()) {
    y = drop_path(y, drop_rate, drops) + residual;
  }
  if (activation_.slope != 1.0) {
    y = at::leaky_relu(y, activation_.slope);
  }
  return std::isfinite(activation_.cap) ? y.clamp_max(activation_.cap) : y;
}

}  // namespace marrow
