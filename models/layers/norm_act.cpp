#include "models/layers/norm_act.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/TracerMode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/instance_norm.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/var_mean.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/error.h"
#include "models/layers/norm_act_kernel.h"
#include "models/layers/parallel_tasks.h"
#include "models/layers/tensor_memory.h"

namespace marrow {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kChannelGroup = 16;

// One piece of the work: a sample's group of channels.
struct NormActUnit {
  NormActShape shape;
  std::int64_t at = 0;       // of its first value in x
  std::int64_t channel = 0;  // the first of its channels
  std::int64_t place = 0;    // row * C + channel
  std::int64_t row = 0;
};

// How x is cut into units. Never by voxel, so that the bits do not depend on the number of threads.
class NormActPlan {
 public:
  NormActPlan(const at::Tensor& x, const at::Tensor& mask, const NormActOptions& options)
      : mask_(mask), options_(options), rows_(x.size(0)), channels_(x.size(1)) {
    voxels_ = x.numel() / (rows_ * channels_);
    last_ = x.suggest_memory_format() != at::MemoryFormat::Contiguous;
    for (std::int64_t row = 0; row < rows_; ++row) {
      const bool* const seen = visible(row);
      counts_.push_back(seen == nullptr
                            ? static_cast<double>(voxels_)
                            : static_cast<double>(std::count(seen, seen + voxels_, true)));
      total_ += counts_.back();
    }
  }

  template <class Body>
  void for_units(const Body& body) const {
    const std::int64_t groups = (channels_ + kChannelGroup - 1) / kChannelGroup;
    parallel_tasks(rows_ * groups, [&](std::int64_t task) {
      NormActUnit unit;
      unit.row = task / groups;
      unit.channel = task % groups * kChannelGroup;
      unit.place = unit.row * channels_ + unit.channel;
      unit.shape.voxels = voxels_;
      unit.shape.channels = std::min(kChannelGroup, channels_ - unit.channel);
      unit.shape.voxel_stride = last_ ? channels_ : 1;
      unit.shape.channel_stride = last_ ? 1 : voxels_;
      unit.shape.visible = visible(unit.row);
      unit.shape.slope = static_cast<float>(options_.slope);
      unit.shape.cap = static_cast<float>(options_.cap);
      unit.at = unit.row * channels_ * voxels_ + unit.channel * unit.shape.channel_stride;
      body(unit);
    });
  }

  // The number of values behind the statistics of a row.
  [[nodiscard]] double count(std::int64_t row) const {
    return options_.over_batch ? total_ : counts_[static_cast<std::size_t>(row)];
  }

  // Sums per row and channel [B, C], each replaced by the sum over the rows where the statistics
  // are the batch's.
  void pool(std::vector<double>& sums) const {
    if (!options_.over_batch) {
      return;
    }
    for (std::int64_t c = 0; c < channels_; ++c) {
      double sum = 0;
      for (std::int64_t row = 0; row < rows_; ++row) {
        sum += sums[static_cast<std::size_t>(row * channels_ + c)];
      }
      for (std::int64_t row = 0; row < rows_; ++row) {
        sums[static_cast<std::size_t>(row * channels_ + c)] = sum;
      }
    }
  }

  [[nodiscard]] std::size_t places() const { return static_cast<std::size_t>(rows_ * channels_); }

 private:
  [[nodiscard]] const bool* visible(std::int64_t row) const {
    return moved(values<bool>(mask_), row * voxels_);
  }

  const at::Tensor& mask_;
  const NormActOptions& options_;
  std::int64_t rows_;
  std::int64_t channels_;
  std::int64_t voxels_ = 0;
  bool last_ = false;
  std::vector<double> counts_;
  double total_ = 0;
};

// mean, variance: [B, C] out, the rows equal where the statistics are the batch's.
template <class T>
void run_forward(const NormActKernel<T>& kernel,
                 const NormActPlan& plan,
                 const at::Tensor& x,
                 const at::Tensor& gamma,
                 const at::Tensor& beta,
                 const at::Tensor& residual,
                 double eps,
                 float* mean,
                 float* variance,
                 const at::Tensor& y) {
  const T* const from = values<T>(x);
  std::vector<double> sums(plan.places());
  const auto finish = [&](const NormActUnit& unit, float* result) {
    for (std::int64_t c = 0; c < unit.shape.channels; ++c) {
      result[unit.place + c] =
          static_cast<float>(sums[static_cast<std::size_t>(unit.place + c)] / plan.count(unit.row));
    }
  };
  plan.for_units([&](const NormActUnit& unit) {
    kernel.sums(unit.shape, from + unit.at, nullptr, sums.data() + unit.place);
  });
  plan.pool(sums);
  plan.for_units([&](const NormActUnit& unit) { finish(unit, mean); });
  plan.for_units([&](const NormActUnit& unit) {
    kernel.sums(unit.shape, from + unit.at, mean + unit.place, sums.data() + unit.place);
  });
  plan.pool(sums);
  plan.for_units([&](const NormActUnit& unit) {
    finish(unit, variance);
    float scale[kChannelGroup];
    float shift[kChannelGroup];
    for (std::int64_t c = 0; c < unit.shape.channels; ++c) {
      const auto rstd =
          static_cast<float>(1.0 / std::sqrt(static_cast<double>(variance[unit.place + c]) + eps));
      scale[c] = values<float>(gamma)[unit.channel + c] * rstd;
      shift[c] = values<float>(beta)[unit.channel + c] - mean[unit.place + c] * scale[c];
    }
    kernel.apply(unit.shape,
                 from + unit.at,
                 scale,
                 shift,
                 moved(values<T>(residual), unit.at),
                 mutable_values<T>(y) + unit.at);
  });
}

// dgamma, dbeta: [B, C] out, each row's own share.
template <class T>
void run_backward(const NormActKernel<T>& kernel,
                  const NormActPlan& plan,
                  const at::Tensor& dy,
                  const at::Tensor& x,
                  const at::Tensor& y,
                  const at::Tensor& gamma,
                  const float* mean,
                  const float* variance,
                  double eps,
                  const at::Tensor& dx,
                  const at::Tensor& dresidual,
                  std::vector<double>& dgamma,
                  std::vector<double>& dbeta) {
  std::vector<float> rstd(plan.places());
  for (std::size_t i = 0; i < rstd.size(); ++i) {
    rstd[i] = static_cast<float>(1.0 / std::sqrt(static_cast<double>(variance[i]) + eps));
  }
  dgamma.resize(plan.places());
  dbeta.resize(plan.places());
  plan.for_units([&](const NormActUnit& unit) {
    kernel.backward_sums(unit.shape,
                         values<T>(dy) + unit.at,
                         values<T>(x) + unit.at,
                         values<T>(y) + unit.at,
                         mean + unit.place,
                         rstd.data() + unit.place,
                         dbeta.data() + unit.place,
                         dgamma.data() + unit.place);
  });
  std::vector<double> sums = dbeta;
  std::vector<double> dots = dgamma;
  plan.pool(sums);
  plan.pool(dots);
  plan.for_units([&](const NormActUnit& unit) {
    // The usual three-term gradient as an affine form: dx = a * d + b * x + k.
    float a[kChannelGroup];
    float b[kChannelGroup];
    float k[kChannelGroup];
    for (std::int64_t c = 0; c < unit.shape.channels; ++c) {
      const auto at = static_cast<std::size_t>(unit.place + c);
      const double scale = static_cast<double>(values<float>(gamma)[unit.channel + c]) *
                           static_cast<double>(rstd[at]);
      const double count = plan.count(unit.row);
      const double slope = -scale * static_cast<double>(rstd[at]) * dots[at] / count;
      a[c] = static_cast<float>(scale);
      b[c] = static_cast<float>(slope);
      k[c] = static_cast<float>(-scale * sums[at] / count - slope * static_cast<double>(mean[at]));
    }
    kernel.backward_apply(unit.shape,
                          values<T>(dy) + unit.at,
                          values<T>(x) + unit.at,
                          values<T>(y) + unit.at,
                          a,
                          b,
                          k,
                          mutable_values<T>(dx) + unit.at,
                          moved(mutable_values<T>(dresidual), unit.at));
  });
}

// [C] of shares [B, C].
at::Tensor summed_rows(const std::vector<double>& shares, const at::Tensor& like) {
  const auto channels = static_cast<std::size_t>(like.size(0));
  at::Tensor sum = at::zeros_like(like);
  float* const to = sum.mutable_data_ptr<float>();
  for (std::size_t c = 0; c < channels; ++c) {
    double total = 0;
    for (std::size_t at = c; at < shares.size(); at += channels) {
      total += shares[at];
    }
    to[c] = static_cast<float>(total);
  }
  return sum;
}

class NormActFunction : public torch::autograd::Function<NormActFunction> {
 public:
  static variable_list forward(AutogradContext* context,
                               const at::Tensor& x_in,
                               const at::Tensor& gamma_in,
                               const at::Tensor& beta_in,
                               const std::optional<at::Tensor>& mask_in,
                               const std::optional<at::Tensor>& residual_in,
                               bool over_batch,
                               double eps,
                               double slope,
                               double cap) {
    const at::Tensor mask = mask_in.value_or(at::Tensor());
    const at::MemoryFormat layout = x_in.suggest_memory_format();
    const at::Tensor x = x_in.contiguous(layout);
    const at::Tensor gamma = gamma_in.contiguous();
    const at::Tensor beta = beta_in.contiguous();
    const at::Tensor residual =
        residual_in.has_value() ? residual_in->contiguous(layout) : at::Tensor();
    const at::Tensor y = at::empty_like(x);
    const at::Tensor mean = at::empty({x.size(0), x.size(1)}, x.options().dtype(at::kFloat));
    const at::Tensor variance = at::empty_like(mean);
    const NormActOptions options{over_batch, eps, slope, cap};
    const NormActPlan plan(x, mask, options);
    float* const means = mutable_values<float>(mean);
    float* const variances = mutable_values<float>(variance);
    const NormActKernels& kernels = norm_act_kernels();
    if (x.scalar_type() == at::kBFloat16) {
      run_forward(kernels.of_bfloat16, plan, x, gamma, beta, residual, eps, means, variances, y);
    } else {
      run_forward(kernels.of_float, plan, x, gamma, beta, residual, eps, means, variances, y);
    }
    context->save_for_backward({x, y, gamma, mean, variance, mask});
    context->saved_data["over_batch"] = over_batch;
    context->saved_data["eps"] = eps;
    context->saved_data["slope"] = slope;
    context->saved_data["cap"] = cap;
    context->saved_data["residual"] = residual_in.has_value();
    context->mark_non_differentiable({mean, variance});
    return {y, mean, variance};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& gamma = saved[2];
    const NormActOptions options{context->saved_data["over_batch"].toBool(),
                                 context->saved_data["eps"].toDouble(),
                                 context->saved_data["slope"].toDouble(),
                                 context->saved_data["cap"].toDouble()};
    const at::Tensor dy = gradients[0].contiguous(x.suggest_memory_format());
    const at::Tensor dx = at::empty_like(x);
    const at::Tensor dresidual =
        context->saved_data["residual"].toBool() ? at::empty_like(x) : at::Tensor();
    std::vector<double> dgamma;
    std::vector<double> dbeta;
    const NormActPlan plan(x, saved[5], options);
    const at::Tensor& y = saved[1];
    const float* const mean = values<float>(saved[3]);
    const float* const variance = values<float>(saved[4]);
    const NormActKernels& kernels = norm_act_kernels();
    const auto run = [&](const auto& kernel) {
      run_backward(
          kernel, plan, dy, x, y, gamma, mean, variance, options.eps, dx, dresidual, dgamma, dbeta);
    };
    if (x.scalar_type() == at::kBFloat16) {
      run(kernels.of_bfloat16);
    } else {
      run(kernels.of_float);
    }
    variable_list result(9);
    result[0] = dx;
    result[1] = summed_rows(dgamma, gamma);
    result[2] = summed_rows(dbeta, gamma);
    result[4] = dresidual;
    return result;
  }
};

// For the recorder of LibTorch's operations, which does not see the kernel: few and well-known
// ones.
NormActResult norm_act_traced(const at::Tensor& x,
                              const at::Tensor& gamma,
                              const at::Tensor& beta,
                              const at::Tensor& residual,
                              const NormActOptions& options) {
  at::Tensor y = at::instance_norm(x, gamma, beta, {}, {}, true, 0.0, options.eps, false);
  if (residual.defined()) {
    y = y + residual;
  }
  if (options.slope != 1.0) {
    y = at::leaky_relu(y, options.slope);
  }
  if (std::isfinite(options.cap)) {
    y = y.clamp_max(options.cap);
  }
  const auto [variance, mean] = at::var_mean(x.flatten(2), {2}, 0);
  return {y, mean, variance};
}

}  // namespace

NormActResult norm_act_reference(const at::Tensor& x_in,
                                 const at::Tensor& gamma,
                                 const at::Tensor& beta,
                                 const at::Tensor& mask,
                                 const at::Tensor& residual,
                                 const NormActOptions& options) {
  const bool reduced = x_in.scalar_type() == at::kBFloat16 || x_in.scalar_type() == at::kHalf;
  at::Tensor x = reduced ? x_in.to(at::kFloat) : x_in;
  const at::Tensor zero = at::zeros({}, x.options());
  std::vector<std::int64_t> axes;
  if (options.over_batch) {
    axes.push_back(0);
  }
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
    const std::int64_t statistics = options.over_batch ? x.size(1) : x.size(0) * x.size(1);
    count = at::zeros({}, x.options()) + static_cast<double>(x.numel() / statistics);
  }
  const at::Tensor mean = x.sum(axes, true) / count;
  at::Tensor centred = x - mean;
  if (mask.defined()) {
    centred = at::where(mask, centred, zero);
  }
  const at::Tensor variance = (centred * centred).sum(axes, true) / count;
  at::Tensor y =
      centred / (variance + options.eps).sqrt() * gamma.to(x.scalar_type()).view(per_channel) +
      beta.to(x.scalar_type()).view(per_channel);
  if (residual.defined()) {
    y = y + residual.to(x.scalar_type());
  }
  y = at::leaky_relu(y, options.slope).clamp_max(options.cap);
  if (mask.defined()) {
    y = at::where(mask, y, zero);
  }
  return {reduced ? y.to(x_in.scalar_type()) : y,
          mean.detach().flatten(1),
          variance.detach().flatten(1)};
}

NormActResult norm_act(const at::Tensor& x,
                       const at::Tensor& gamma,
                       const at::Tensor& beta,
                       const at::Tensor& mask,
                       const at::Tensor& residual,
                       const NormActOptions& options) {
  // Read without bounds by the kernel.
  if (residual.defined() && residual.sizes() != x.sizes()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("norm_act: a map of {} and its shortcut of {} differ in size; the input "
                    "must be a multiple of the encoder's stride along every axis",
                    fmt::join(x.sizes(), "x"),
                    fmt::join(residual.sizes(), "x")));
  }
  if (at::tracer::impl::is_dispatch_enabled() && !mask.defined() && !options.over_batch) {
    return norm_act_traced(x, gamma, beta, residual, options);
  }
  const bool kernel =
      x.device().is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
      gamma.scalar_type() == at::kFloat &&
      (!residual.defined() || residual.scalar_type() == x.scalar_type()) && options.slope >= 0;
  if (!kernel) {
    return norm_act_reference(x, gamma, beta, mask, residual, options);
  }
  MARROW_CHECK(!mask.defined() || (mask.is_contiguous() && mask.scalar_type() == at::kBool));
  // Undefined tensors are no arguments of a custom function; absent ones are.
  const auto present = [](const at::Tensor& tensor) {
    return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
  };
  const variable_list results = NormActFunction::apply(x,
                                                       gamma,
                                                       beta,
                                                       present(mask),
                                                       present(residual),
                                                       options.over_batch,
                                                       options.eps,
                                                       options.slope,
                                                       options.cap);
  const std::int64_t statistics = options.over_batch ? 1 : x.size(0);
  return {results[0], results[1].narrow(0, 0, statistics), results[2].narrow(0, 0, statistics)};
}

}  // namespace marrow
