#include "models/layers/norm.h"

#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/where.h>
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

NormAct::NormAct(NormKind kind, std::int64_t channels, double slope, double eps)
    : kind_(kind), slope_(slope), eps_(eps) {
  weight_ = register_parameter("weight", at::ones({channels}));
  bias_ = register_parameter("bias", at::zeros({channels}));
  if (kind_ == NormKind::kBatch) {
    running_mean_ = register_buffer("running_mean", at::zeros({channels}));
    running_var_ = register_buffer("running_var", at::ones({channels}));
  }
}

at::Tensor NormAct::batch_norm(const at::Tensor& x_in, const at::Tensor& mask) {
  if (!mask.defined()) {
    return at::batch_norm(x_in,
                          weight_,
                          bias_,
                          running_mean_,
                          running_var_,
                          is_training(),
                          kBatchMomentum,
                          eps_,
                          false);
  }
  const at::Tensor x = x_in.to(at::promote_types(x_in.scalar_type(), at::kFloat));
  std::vector<std::int64_t> axes = {0};
  std::vector<std::int64_t> per_channel = {1, x.size(1)};
  for (std::int64_t axis = 2; axis < x.dim(); ++axis) {
    axes.push_back(axis);
    per_channel.push_back(1);
  }
  const at::Tensor zero = at::zeros({}, x.options());
  at::Tensor mean = running_mean_.view(per_channel);
  at::Tensor variance = running_var_.view(per_channel);
  const at::Tensor seen = at::where(mask, x, zero);
  if (is_training()) {
    const auto count = static_cast<double>(mask.sum().item<std::int64_t>());
    mean = seen.sum(axes, true) / count;
    const at::Tensor centred = at::where(mask, x - mean, zero);
    variance = (centred * centred).sum(axes, true) / count;
    const at::NoGradGuard no_grad;
    running_mean_.lerp_(mean.detach().flatten().to(running_mean_.scalar_type()), kBatchMomentum);
    running_var_.lerp_(
        variance.detach().flatten().to(running_var_.scalar_type()) * (count / (count - 1)),
        kBatchMomentum);
  }
  const at::Tensor y = (seen - mean) / (variance + eps_).sqrt() * weight_.view(per_channel) +
                       bias_.view(per_channel);
  return y.to(x_in.scalar_type());
}

at::Tensor NormAct::forward(const at::Tensor& x,
                            const Visibility* visible,
                            const at::Tensor& residual) {
  const at::Tensor mask = visible == nullptr ? at::Tensor() : visible->at_size(x.sizes().slice(2));
  if (kind_ == NormKind::kInstance) {
    return instance_norm_act(x, weight_, bias_, mask, residual, eps_, slope_);
  }
  at::Tensor y = batch_norm(x, mask);
  if (residual.defined()) {
    y = y + residual;
  }
  if (slope_ != 1.0) {
    y = at::leaky_relu(y, slope_);
  }
  return visible == nullptr ? y : visible->select(y);
}

}  // namespace marrow
