#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "clinical/losses/dice.h"

namespace marrow {

struct DiceCeOptions {
  DiceLossOptions dice;
  double dice_weight = 1.0;
  double ce_weight = 1.0;
  std::vector<double> class_weights;  // of the cross entropy; empty: all 1
};

// Scalars, float32 (double for double logits).
struct DiceCeLoss {
  at::Tensor loss;           // dice_weight * dice + ce_weight * cross_entropy
  at::Tensor dice;           // detached
  at::Tensor cross_entropy;  // detached
};

// Soft Dice plus cross entropy of one map of logits; every voxel counts. Shapes and errors:
// softmax_statistics().
[[nodiscard]] DiceCeLoss dice_ce_loss(const at::Tensor& logits,
                                      const at::Tensor& labels,
                                      const DiceCeOptions& options);

// 1, 1/2, 1/4, ... divided by their sum.
[[nodiscard]] std::vector<double> deep_supervision_weights(std::size_t maps);

// Labels on a coarser grid `size`: the voxel whose centre is nearest to the coarse voxel's centre
// (the higher index of two). labels: [B, D, H, W] or [B, H, W]; returns the same type.
[[nodiscard]] at::Tensor reduced_labels(const at::Tensor& labels, at::IntArrayRef size);

// The weighted sum of dice_ce_loss() over maps of falling resolution, finest first; `dice` and
// `cross_entropy` are the finest map's own.
[[nodiscard]] DiceCeLoss deep_supervision_loss(const std::vector<at::Tensor>& logits,
                                               const at::Tensor& labels,
                                               const DiceCeOptions& options);

}  // namespace marrow
