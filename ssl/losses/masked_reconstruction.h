#pragma once

#include <ATen/core/Tensor.h>

namespace marrow {

struct MaskedReconstruction {
  at::Tensor loss;       // scalar
  at::Tensor per_patch;  // [B, L]
};

// Squared error between predicted and true patches, averaged inside a patch, then over the hidden
// patches.
//
// predicted, target: [B, L, V] patches. hidden: [B, L], 1 = hidden. normalise: each target patch is
// standardised by its own mean and unbiased variance (+ 1e-6) first. The gradient is exactly 0 at
// visible patches. eps is added to the number of hidden patches (1e-8 in SparK, 0 in MAE).
//
// Source: He et al. 2022 (MAE) and Tian et al. 2023 (SparK); golden vectors mae_loss, spark,
// spark3d.
[[nodiscard]] MaskedReconstruction masked_reconstruction_loss(const at::Tensor& predicted,
                                                              const at::Tensor& target,
                                                              const at::Tensor& hidden,
                                                              bool normalise,
                                                              double eps);

}  // namespace marrow
