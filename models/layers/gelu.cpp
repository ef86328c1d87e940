#include "models/layers/gelu.h"

#include <algorithm>

#include <ATen/TracerMode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gelu.h>
#include <torch/csrc/autograd/custom_function.h>

#include "models/layers/parallel_tasks.h"
#include "models/layers/tensor_memory.h"
#include "models/layers/token_kernel.h"

namespace marrow {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kValuesOfTask = 16384;

// Calls body(offset, count) for all of `total` values.
template <class Body>
void for_parts(std::int64_t total, const Body& body) {
  parallel_tasks((total + kValuesOfTask - 1) / kValuesOfTask, [&](std::int64_t task) {
    const std::int64_t at = task * kValuesOfTask;
    body(at, std::min(kValuesOfTask, total - at));
  });
}

class GeluFunction : public torch::autograd::Function<GeluFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_in) {
    const at::Tensor x = x_in.contiguous();
    const at::Tensor y = at::empty_like(x);
    const auto run = [&]<class T>(const TokenKernel<T>& kernel) {
      for_parts(x.numel(), [&](std::int64_t at, std::int64_t count) {
        kernel.gelu(count, values<T>(x) + at, mutable_values<T>(y) + at);
      });
    };
    x.scalar_type() == at::kBFloat16 ? run(token_kernels().of_bfloat16)
                                     : run(token_kernels().of_float);
    context->save_for_backward({x});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor x = context->get_saved_variables()[0];
    const at::Tensor dy = gradients[0].contiguous();
    const at::Tensor dx = at::empty_like(x);
    const auto run = [&]<class T>(const TokenKernel<T>& kernel) {
      for_parts(x.numel(), [&](std::int64_t at, std::int64_t count) {
        kernel.gelu_backward(
            count, values<T>(dy) + at, values<T>(x) + at, mutable_values<T>(dx) + at);
      });
    };
    x.scalar_type() == at::kBFloat16 ? run(token_kernels().of_bfloat16)
                                     : run(token_kernels().of_float);
    return {dx};
  }
};

}  // namespace

at::Tensor exact_gelu(const at::Tensor& x) {
  const bool kernel = x.device().is_cpu() &&
                      (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
                      !at::tracer::impl::is_dispatch_enabled();
  return kernel ? GeluFunction::apply(x) : at::gelu(x);
}

}  // namespace marrow
