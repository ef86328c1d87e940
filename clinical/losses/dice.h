#pragma once

#include <ATen/core/Tensor.h>

#include "clinical/losses/softmax_statistics.h"

namespace marrow {

struct DiceLossOptions {
  bool batch = false;      // one Dice over the voxels of the whole batch instead of one per example
  bool background = true;  // class 0 counts too
  double smooth = 1e-5;    // added to numerator and denominator (nnU-Net); > 0
};

// 1 - mean over examples and classes of (2 * overlap + smooth) / (predicted + present + smooth),
// from softmax probabilities. logits, labels: as softmax_statistics(). Returns a scalar in [0, 1],
// float32 (double for double).
//
// A class that is absent from an example and not predicted there scores 1.
// Throws Error{kInvalidArgument} for wrong shapes, smooth <= 0, or no class left without the
// background.
//
// Sources: Milletari et al. 2016 without the squares (nnU-Net); `smooth` 1e-10 gives Chaitanya et
// al.'s to 1e-9.
[[nodiscard]] at::Tensor soft_dice_loss(const at::Tensor& logits,
                                        const at::Tensor& labels,
                                        const DiceLossOptions& options);

// The same from statistics already taken.
[[nodiscard]] at::Tensor soft_dice_loss(const SoftmaxStatistics& statistics,
                                        const DiceLossOptions& options);

}  // namespace marrow
