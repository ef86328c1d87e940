#include "models/layers/visible_rows.h"

#include <vector>

#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "models/layers/visibility.h"

namespace marrow {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// index_select for an index without repetitions. LibTorch's own gradient adds row by row, in case
// some repeat, and is many times slower.
class TakeRows : public torch::autograd::Function<TakeRows> {
 public:
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& all,
                            const at::Tensor& index) {
    context->save_for_backward({index});
    context->saved_data["rows"] = all.size(0);
    return all.index_select(0, index);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor index = context->get_saved_variables()[0];
    const at::Tensor& gradient = gradients[0];
    at::Tensor all =
        at::zeros({context->saved_data["rows"].toInt(), gradient.size(1)}, gradient.options());
    return {all.index_copy_(0, index, gradient), at::Tensor()};
  }
};

}  // namespace

at::Tensor visible_rows(const at::Tensor& x, const Visibility& visible) {
  return TakeRows::apply(x.movedim(1, -1).reshape({-1, x.size(1)}),
                         visible.rows_at_size(x.sizes().slice(2)));
}

at::Tensor map_of_rows(const at::Tensor& rows, const Visibility& visible, at::IntArrayRef spatial) {
  const at::Tensor& mask = visible.at_size(spatial);
  const at::Tensor all = at::zeros({mask.numel(), rows.size(1)}, rows.options());
  std::vector<std::int64_t> shape = {mask.size(0)};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  shape.push_back(rows.size(1));
  return all.index_copy(0, visible.rows_at_size(spatial), rows).reshape(shape).movedim(-1, 1);
}

}  // namespace marrow
