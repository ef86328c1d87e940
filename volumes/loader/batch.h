#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace marrow {

// What one training step sees.
struct Batch {
  // Each [B, C, D, H, W] float32, or [B, C, H, W] when the patch is one slice (2D).
  std::vector<at::Tensor> views;
  // Segmentation: [B, D, H, W] (2D: [B, H, W]) int64. Undefined when the data has no labels.
  at::Tensor labels;
  // Classification: [B, K] float32 in [0, 1], one-hot for one class per image. Undefined when the
  // loader was given none.
  at::Tensor targets;
  std::vector<std::string> keys;  // case of each row
  std::int64_t step = 0;
  // Seed of every random choice that a method makes in this step (masks, ...).
  std::uint64_t seed = 0;
};

}  // namespace marrow
