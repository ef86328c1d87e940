#include "models/layers/norm_act.h"

#include <algorithm>
#include <optional>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/error.h"
#include "models/layers/norm_act_kernel.h"

namespace marrow {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kChannelGroup = 16;

at::MemoryFormat layout_of(const at::Tensor& x) {
  return x.suggest_memory_format();
}

// Work is cut by sample and channel group, never by voxel, so that the bits do not depend on the
// number of threads.
template <class Body>
void for_each_group(
    const at::Tensor& x, const at::Tensor& mask, double eps, double slope, const Body& body) {
  const std::int64_t channels = x.size(1);
  const bool last = layout_of(x) != at::MemoryFormat::Contiguous;
  const std::int64_t groups = (channels + kChannelGroup - 1) / kChannelGroup;
  const std::int64_t voxels = x.numel() / (x.size(0) * channels);
  at::parallel_for(0, x.size(0) * groups, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t unit = begin; unit < end; ++unit) {
      const std::int64_t row = unit / groups;
      const std::int64_t first = unit % groups * kChannelGroup;
      NormActShape shape;
      shape.voxels = voxels;
      shape.channels = std::min(kChannelGroup, channels - first);
      shape.voxel_stride = last ? channels : 1;
      shape.channel_stride = last ? 1 : voxels;
      shape.visible = mask.defined() ? mask.const_data_ptr<bool>() + row * voxels : nullptr;
      shape.eps = static_cast<float>(eps);
      shape.slope = static_cast<float>(slope);
      body(shape, row, first, row * channels * voxels + first * shape.channel_stride);
    }
  });
}

class NormActFunction : public torch::autograd::Function<NormActFunction> {
 public:
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& x_in,
                            const at::Tensor& gamma_in,
                            const at::Tensor& beta_in,
                            const std::optional<at::Tensor>& mask_in,
                            const std::optional<at::Tensor>& residual_in,
                            double eps,
                            double slope) {
    const at::Tensor mask = mask_in.value_or(at::Tensor());
    const at::MemoryFormat layout = layout_of(x_in);
    const at::Tensor x = x_in.contiguous(layout);
    const at::Tensor gamma = gamma_in.contiguous();
    const at::Tensor beta = beta_in.contiguous();
    const at::Tensor residual =
        residual_in.has_value() ? residual_in->contiguous(layout) : at::Tensor();
    const at::Tensor y = at::empty_like(x);
    const at::Tensor mean = at::empty({x.size(0), x.size(1)}, x.options());
    const at::Tensor rstd = at::empty_like(mean);
    const float* const px = x.const_data_ptr<float>();
    const float* const pr = residual.defined() ? residual.const_data_ptr<float>() : nullptr;
    float* const py = y.mutable_data_ptr<float>();
    float* const pm = mean.mutable_data_ptr<float>();
    float* const ps = rstd.mutable_data_ptr<float>();
    const std::int64_t channels = x.size(1);
    for_each_group(
        x,
        mask,
        eps,
        slope,
        [&](const NormActShape& shape, std::int64_t row, std::int64_t first, std::int64_t at) {
          norm_act_forward(shape,
                           px + at,
                           gamma.const_data_ptr<float>() + first,
                           beta.const_data_ptr<float>() + first,
                           pr == nullptr ? nullptr : pr + at,
                           py + at,
                           pm + row * channels + first,
                           ps + row * channels + first);
        });
    context->save_for_backward({x, y, gamma, mean, rstd, mask});
    context->saved_data["eps"] = eps;
    context->saved_data["slope"] = slope;
    context->saved_data["residual"] = residual_in.has_value();
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& y = saved[1];
    const at::Tensor& gamma = saved[2];
    const at::Tensor& mean = saved[3];
    const at::Tensor& rstd = saved[4];
    const at::Tensor& mask = saved[5];
    const bool with_residual = context->saved_data["residual"].toBool();
    const at::Tensor dy = gradients[0].contiguous(layout_of(x));
    const at::Tensor dx = at::empty_like(x);
    const at::Tensor dresidual = with_residual ? at::empty_like(x) : at::Tensor();
    const at::Tensor dgamma = at::empty_like(mean);
    const at::Tensor dbeta = at::empty_like(mean);
    const float* const px = x.const_data_ptr<float>();
    const float* const py = y.const_data_ptr<float>();
    const float* const pg = dy.const_data_ptr<float>();
    float* const pdx = dx.mutable_data_ptr<float>();
    float* const pdr = with_residual ? dresidual.mutable_data_ptr<float>() : nullptr;
    const std::int64_t channels = x.size(1);
    for_each_group(
        x,
        mask,
        context->saved_data["eps"].toDouble(),
        context->saved_data["slope"].toDouble(),
        [&](const NormActShape& shape, std::int64_t row, std::int64_t first, std::int64_t at) {
          const std::int64_t place = row * channels + first;
          norm_act_backward(shape,
                            pg + at,
                            px + at,
                            py + at,
                            gamma.const_data_ptr<float>() + first,
                            mean.const_data_ptr<float>() + place,
                            rstd.const_data_ptr<float>() + place,
                            pdx + at,
                            pdr == nullptr ? nullptr : pdr + at,
                            dgamma.mutable_data_ptr<float>() + place,
                            dbeta.mutable_data_ptr<float>() + place);
        });
    return {dx, dgamma.sum(0), dbeta.sum(0), at::Tensor(), dresidual, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor instance_norm_act_reference(const at::Tensor& x_in,
                                       const at::Tensor& gamma,
                                       const at::Tensor& beta,
                                       const at::Tensor& mask,
                                       const at::Tensor& residual,
                                       double eps,
                                       double slope) {
  const bool reduced = x_in.scalar_type() == at::kBFloat16 || x_in.scalar_type() == at::kHalf;
  at::Tensor x = reduced ? x_in.to(at::kFloat) : x_in;
  const at::Tensor zero = at::zeros({}, x.options());
  std::vector<std::int64_t> axes;
  std::vector<std::int64_t> per_channel = {1, x.size(1)};
  for (std::int64_t axis = 2; axis < x.dim(); ++axis) {
    axes.push_back(axis);
    per_channel.push_back(1);
  }
  at::Tensor count;
  if (mask.defined()) {
    x = at::where(mask, x, zero);
    count = mask.to(x.scalar_type()).sum(axes, true);
  } else {
    count = at::zeros({}, x.options()) + static_cast<double>(x.numel() / (x.size(0) * x.size(1)));
  }
  const at::Tensor mean = x.sum(axes, true) / count;
  at::Tensor centred = x - mean;
  if (mask.defined()) {
    centred = at::where(mask, centred, zero);
  }
  const at::Tensor variance = (centred * centred).sum(axes, true) / count;
  at::Tensor y = centred / (variance + eps).sqrt() * gamma.to(x.scalar_type()).view(per_channel) +
                 beta.to(x.scalar_type()).view(per_channel);
  if (residual.defined()) {
    y = y + residual.to(x.scalar_type());
  }
  y = at::leaky_relu(y, slope);
  if (mask.defined()) {
    y = at::where(mask, y, zero);
  }
  return reduced ? y.to(x_in.scalar_type()) : y;
}

at::Tensor instance_norm_act(const at::Tensor& x,
                             const at::Tensor& gamma,
                             const at::Tensor& beta,
                             const at::Tensor& mask,
                             const at::Tensor& residual,
                             double eps,
                             double slope) {
  const bool kernel = x.device().is_cpu() && x.scalar_type() == at::kFloat &&
                      gamma.scalar_type() == at::kFloat &&
                      (!residual.defined() || residual.scalar_type() == at::kFloat) && slope >= 0;
  if (!kernel) {
    return instance_norm_act_reference(x, gamma, beta, mask, residual, eps, slope);
  }
  MARROW_CHECK(!mask.defined() || (mask.is_contiguous() && mask.scalar_type() == at::kBool));
  // Undefined tensors are no arguments of a custom function; absent ones are.
  const auto present = [](const at::Tensor& tensor) {
    return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
  };
  return NormActFunction::apply(x, gamma, beta, present(mask), present(residual), eps, slope);
}

}  // namespace marrow
