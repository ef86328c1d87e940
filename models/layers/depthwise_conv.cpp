#include "models/layers/depthwise_conv.h"

#include <algorithm>
#include <array>
#include <vector>

#include <ATen/autocast_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/error.h"
#include "models/layers/depthwise_kernel.h"
#include "models/layers/parallel_tasks.h"
#include "models/layers/tensor_memory.h"

namespace marrow {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor convolved(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const std::vector<std::int64_t> ones(static_cast<std::size_t>(x.dim() - 2), 1);
  std::vector<std::int64_t> padding;
  for (std::int64_t axis = 2; axis < x.dim(); ++axis) {
    padding.push_back(weight.size(axis) / 2);
  }
  return x.dim() == 5 ? at::conv3d(x, weight, bias, ones, padding, ones, x.size(1))
                      : at::conv2d(x, weight, bias, ones, padding, ones, x.size(1));
}

at::Tensor channels_last(const at::Tensor& x) {
  return x.contiguous(x.dim() == 5 ? at::MemoryFormat::ChannelsLast3d
                                   : at::MemoryFormat::ChannelsLast);
}

// x, dy: channels-last. weights [C, 1, k...] float32.
template <class T>
at::Tensor weight_gradient(const DepthwiseKernel<T>& kernel,
                           const at::Tensor& x,
                           const at::Tensor& dy,
                           at::IntArrayRef weights) {
  const bool three = x.dim() == 5;
  DepthwiseShape shape;
  shape.batch = x.size(0);
  shape.depth = three ? x.size(2) : 1;
  shape.height = x.size(-2);
  shape.width = x.size(-1);
  shape.channels = x.size(1);
  shape.kernel_depth = three ? weights[2] : 1;
  shape.kernel = weights.back();
  at::Tensor result = at::empty(weights, x.options().dtype(at::kFloat));
  const T* const x_values = values<T>(x);
  const T* const dy_values = values<T>(dy);
  auto* const sums_of_taps = result.mutable_data_ptr<float>();
  const std::int64_t taps = shape.kernel * shape.kernel;
  const std::int64_t groups = (shape.channels + kDepthwiseLanes - 1) / kDepthwiseLanes;
  // A task owns some weights and adds over all voxels, so that no sum depends on the threads.
  parallel_tasks(groups * shape.kernel_depth, [&](std::int64_t task) {
    const std::int64_t first = task / shape.kernel_depth * kDepthwiseLanes;
    const std::int64_t tap_depth = task % shape.kernel_depth;
    DepthwiseShape part = shape;
    part.lanes = std::min(kDepthwiseLanes, shape.channels - first);
    std::vector<double> sums(static_cast<std::size_t>(taps * kDepthwiseLanes));
    kernel.weight_gradient(part, tap_depth, x_values + first, dy_values + first, sums.data());
    for (std::int64_t lane = 0; lane < part.lanes; ++lane) {
      float* to = sums_of_taps + ((first + lane) * shape.kernel_depth + tap_depth) * taps;
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        to[tap] = static_cast<float>(sums[static_cast<std::size_t>(tap * kDepthwiseLanes + lane)]);
      }
    }
  });
  return result;
}

class DepthwiseFunction : public torch::autograd::Function<DepthwiseFunction> {
 public:
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& x,
                            const at::Tensor& weight,
                            const at::Tensor& bias) {
    context->save_for_backward({x, weight});
    return convolved(x, weight, bias);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& weight = saved[1];
    const at::Tensor x = channels_last(saved[0]);
    const at::Tensor dy = channels_last(gradients[0]);
    std::vector<std::int64_t> spatial;
    for (std::int64_t axis = 2; axis < x.dim(); ++axis) {
      spatial.push_back(axis);
    }
    variable_list result(3);
    if (context->needs_input_grad(0)) {
      result[0] = convolved(dy, weight.flip(spatial), {});
    }
    if (context->needs_input_grad(1)) {
      const DepthwiseKernels& kernels = depthwise_kernels();
      const at::Tensor gradient = x.scalar_type() == at::kFloat
                                      ? weight_gradient(kernels.of_float, x, dy, weight.sizes())
                                      : weight_gradient(kernels.of_bfloat16, x, dy, weight.sizes());
      result[1] = gradient.to(weight.scalar_type());
    }
    if (context->needs_input_grad(2)) {
      spatial.push_back(0);
      result[2] = dy.sum(spatial);
    }
    return result;
  }
};

}  // namespace

at::Tensor depthwise_conv(const at::Tensor& x_in,
                          const at::Tensor& weight_in,
                          const at::Tensor& bias_in) {
  at::Tensor x = x_in;
  at::Tensor weight = weight_in;
  at::Tensor bias = bias_in;
  if (at::autocast::is_autocast_enabled(x.device().type())) {
    // As autocast does for a convolution; the function below sees its arguments as they are.
    const at::ScalarType type = at::autocast::get_autocast_dtype(x.device().type());
    x = x.to(type);
    weight = weight.to(type);
    bias = bias.to(type);
  }
  MARROW_CHECK(weight.dim() == x.dim() && weight.size(0) == x.size(1) && weight.size(1) == 1);
  const bool kernel = x.device().is_cpu() &&
                      (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
                      weight.scalar_type() == x.scalar_type() &&
                      weight.size(-1) == weight.size(-2) && weight.size(-1) % 2 == 1;
  return kernel ? DepthwiseFunction::apply(x, weight, bias) : convolved(x, weight, bias);
}

}  // namespace marrow
