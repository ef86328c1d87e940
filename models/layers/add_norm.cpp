#include "models/layers/add_norm.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/TracerMode.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/layer_norm.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/error.h"
#include "models/layers/parallel_tasks.h"
#include "models/layers/tensor_memory.h"
#include "models/layers/token_kernel.h"

namespace marrow {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kRowsOfTask = 64;

// Calls body(first row, rows of the task): cut by rows alone, so that the bits do not depend on the
// number of threads.
template <class Body>
void for_tasks(const TokenRows& all, const Body& body) {
  const std::int64_t tasks = (all.rows + kRowsOfTask - 1) / kRowsOfTask;
  parallel_tasks(tasks, [&](std::int64_t task) {
    const std::int64_t first = task * kRowsOfTask;
    body(first, TokenRows{std::min(kRowsOfTask, all.rows - first), all.width});
  });
}

TokenRows rows_of(const at::Tensor& x) {
  return {x.numel() / x.size(-1), x.size(-1)};
}

// Calls run(the kernel for float or bfloat16).
template <class Run>
void with_kernel(at::ScalarType type, const Run& run) {
  const TokenKernels& kernels = token_kernels();
  type == at::kBFloat16 ? run(kernels.of_bfloat16) : run(kernels.of_float);
}

// [width] from what each task has added up.
at::Tensor summed_tasks(const std::vector<float>& shares, const at::Tensor& like) {
  at::Tensor sum = at::empty_like(like);
  auto* const to = sum.mutable_data_ptr<float>();
  const auto width = static_cast<std::size_t>(like.size(0));
  for (std::size_t c = 0; c < width; ++c) {
    double total = 0;
    for (std::size_t at = c; at < shares.size(); at += width) {
      total += static_cast<double>(shares[at]);
    }
    to[c] = static_cast<float>(total);
  }
  return sum;
}

class AddNormFunction : public torch::autograd::Function<AddNormFunction> {
 public:
  // The sum and its norm; without a branch the norm alone.
  static variable_list forward(AutogradContext* context,
                               const at::Tensor& x_in,
                               const std::optional<at::Tensor>& branch_in,
                               const at::Tensor& weight_in,
                               const at::Tensor& bias_in,
                               double eps,
                               at::ScalarType type) {
    const at::Tensor x = x_in.contiguous();
    const at::Tensor branch = branch_in.has_value() ? branch_in->contiguous() : at::Tensor();
    const at::Tensor weight = weight_in.contiguous();
    const at::Tensor bias = bias_in.contiguous();
    const TokenRows rows = rows_of(x);
    const at::Tensor sum = branch.defined() ? at::empty_like(x) : at::Tensor();
    const at::Tensor y = at::empty(x.sizes(), x.options().dtype(type));
    const at::Tensor mean = at::empty({rows.rows}, x.options());
    const at::Tensor rstd = at::empty_like(mean);
    with_kernel(type, [&]<class T>(const TokenKernel<T>& kernel) {
      for_tasks(rows, [&](std::int64_t first, const TokenRows& part) {
        const std::int64_t at = first * rows.width;
        kernel.add_norm(part,
                        values<float>(x) + at,
                        moved(values<T>(branch), at),
                        values<float>(weight),
                        values<float>(bias),
                        static_cast<float>(eps),
                        moved(mutable_values<float>(sum), at),
                        mutable_values<T>(y) + at,
                        mutable_values<float>(mean) + first,
                        mutable_values<float>(rstd) + first);
      });
    });
    context->save_for_backward({sum.defined() ? sum : x, mean, rstd, weight});
    context->saved_data["branch"] = branch.defined();
    context->set_materialize_grads(false);
    return sum.defined() ? variable_list{y, sum} : variable_list{y};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const bool has_branch = context->saved_data["branch"].toBool();
    variable_list result(6);
    const at::Tensor dsum_in = has_branch ? gradients[1] : at::Tensor();
    if (!gradients[0].defined()) {
      // The norm was not used.
      result[0] = dsum_in;
      result[1] = dsum_in;
      return result;
    }
    const at::Tensor& total = saved[0];
    const at::Tensor& weight = saved[3];
    const at::Tensor dy = gradients[0].contiguous();
    const at::Tensor dsum = dsum_in.defined() ? dsum_in.contiguous() : at::Tensor();
    const TokenRows rows = rows_of(total);
    const at::Tensor dx = at::empty_like(total);
    // In float32 the gradients of x and of the branch are one tensor.
    const bool apart = has_branch && dy.scalar_type() != at::kFloat;
    const at::Tensor dbranch = apart ? at::empty_like(dy) : at::Tensor();
    const auto width = static_cast<std::size_t>(rows.width);
    const auto tasks = static_cast<std::size_t>((rows.rows + kRowsOfTask - 1) / kRowsOfTask);
    std::vector<float> dweight(tasks * width);
    std::vector<float> dbias(tasks * width);
    with_kernel(dy.scalar_type(), [&]<class T>(const TokenKernel<T>& kernel) {
      for_tasks(rows, [&](std::int64_t first, const TokenRows& part) {
        const std::int64_t at = first * rows.width;
        const std::size_t share = static_cast<std::size_t>(first / kRowsOfTask) * width;
        kernel.add_norm_backward(part,
                                 moved(values<float>(dsum), at),
                                 values<T>(dy) + at,
                                 values<float>(total) + at,
                                 values<float>(saved[1]) + first,
                                 values<float>(saved[2]) + first,
                                 values<float>(weight),
                                 mutable_values<float>(dx) + at,
                                 moved(mutable_values<T>(dbranch), at),
                                 dweight.data() + share,
                                 dbias.data() + share);
      });
    });
    result[0] = dx;
    if (has_branch) {
      result[1] = apart ? dbranch : dx;
    }
    result[2] = summed_tasks(dweight, weight);
    result[3] = summed_tasks(dbias, weight);
    return result;
  }
};

}  // namespace

NormedSum add_norm(const at::Tensor& x,
                   const at::Tensor& branch,
                   const at::Tensor& weight,
                   const at::Tensor& bias,
                   double eps) {
  MARROW_CHECK(!branch.defined() || branch.sizes() == x.sizes());
  const at::DeviceType device = x.device().type();
  const at::ScalarType type = at::autocast::is_autocast_enabled(device)
                                  ? at::autocast::get_autocast_dtype(device)
                                  : x.scalar_type();
  const bool kernel = x.device().is_cpu() && x.scalar_type() == at::kFloat && x.numel() > 0 &&
                      weight.scalar_type() == at::kFloat &&
                      (type == at::kFloat || type == at::kBFloat16) &&
                      !at::tracer::impl::is_dispatch_enabled();
  if (kernel && branch.defined() && branch.scalar_type() == type) {
    const variable_list made =
        AddNormFunction::apply(x, std::optional<at::Tensor>(branch), weight, bias, eps, type);
    return {made[1], made[0]};
  }
  const at::Tensor sum = branch.defined() ? x + branch : x;
  return {sum,
          kernel ? AddNormFunction::apply(sum, std::nullopt, weight, bias, eps, type)[0]
                 : at::layer_norm(sum, {x.size(-1)}, weight, bias, eps)};
}

}  // namespace marrow
