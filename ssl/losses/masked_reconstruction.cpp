#include "ssl/losses/masked_reconstruction.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/promote_types.h>
#include <ATen/ops/var.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "core/error.h"

namespace marrow {

MaskedReconstruction masked_reconstruction_loss(const at::Tensor& predicted_in,
                                                const at::Tensor& target_in,
                                                const at::Tensor& hidden,
                                                bool normalise,
                                                double eps) {
  MARROW_CHECK(predicted_in.sizes() == target_in.sizes() && hidden.dim() == 2);
  // float32 at least, whatever autocast does.
  const at::ScalarType type = at::promote_types(predicted_in.scalar_type(), at::kFloat);
  const at::Tensor predicted = predicted_in.to(type);
  at::Tensor target = target_in.to(type);
  if (normalise) {
    const at::Tensor mean = target.mean(-1, true);
    target = (target - mean) / (at::var(target, -1, true, true) + 1e-6).sqrt();
  }
  const at::Tensor mask = hidden.to(type);
  const at::Tensor per_patch = (predicted - target).square().mean(-1);
  const at::Tensor counted =
      at::where(hidden.to(at::kBool), per_patch, at::zeros({}, per_patch.options()));
  return {counted.sum() / (mask.sum() + eps), per_patch};
}

}  // namespace marrow
