#include "models/layers/channel_norm.h"

#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "core/error.h"
#include "models/layers/visibility.h"

namespace marrow {

at::Tensor channel_norm(const at::Tensor& x,
                        const at::Tensor& weight,
                        const at::Tensor& bias,
                        const Visibility* visible,
                        double eps) {
  // Selected before as well: a hidden NaN would come back through the gradient of the weights.
  const at::Tensor seen = (visible == nullptr ? x : visible->select(x)).to(weight.scalar_type());
  const at::Tensor y =
      at::layer_norm(seen.movedim(1, -1), {x.size(1)}, weight, bias, eps).movedim(-1, 1);
  return (visible == nullptr ? y : visible->select(y)).to(x.scalar_type());
}

at::Tensor group_norm(const at::Tensor& x,
                      const at::Tensor& weight,
                      const at::Tensor& bias,
                      const Visibility* visible,
                      std::int64_t groups,
                      double eps) {
  MARROW_CHECK(groups >= 1 && x.size(1) % groups == 0);
  const at::ScalarType type = weight.scalar_type();
  if (visible == nullptr) {
    return at::group_norm(x.to(type), groups, weight, bias, eps).to(x.scalar_type());
  }
  // [B, G, C / G, spatial...]: a view in either layout
  const auto grouped = [&](const at::Tensor& map) {
    return map.unflatten(1, at::IntArrayRef{groups, map.size(1) / groups});
  };
  std::vector<std::int64_t> axes = {2};
  std::vector<std::int64_t> per_channel = {1, x.size(1)};
  for (std::int64_t axis = 2; axis < x.dim(); ++axis) {
    axes.push_back(axis + 1);
    per_channel.push_back(1);
  }
  const at::Tensor& mask = visible->at_size(x.sizes().slice(2));
  const at::Tensor zero = at::zeros({}, x.options().dtype(type));
  const at::Tensor seen = at::where(mask, x.to(type), zero);
  const std::int64_t positions =
      visible->visible_cells_per_row() * (mask[0].numel() / visible->grid()[0].numel());
  const auto count = static_cast<double>(positions * (x.size(1) / groups));
  const at::Tensor mean = grouped(seen).sum(axes, true) / count;
  const at::Tensor centred = at::where(mask.unsqueeze(1), grouped(seen) - mean, zero);
  const at::Tensor variance = centred.square().sum(axes, true) / count;
  const at::Tensor standard = (centred * (variance + eps).rsqrt()).flatten(1, 2);
  const at::Tensor y = standard * weight.view(per_channel) + bias.view(per_channel);
  return at::where(mask, y, zero).to(x.scalar_type());
}

}  // namespace marrow
