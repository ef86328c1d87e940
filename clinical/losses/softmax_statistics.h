#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace marrow {

// The sums that soft Dice and cross entropy are made of, p being softmax(logits) over the classes
// and t the one-hot labels.
struct SoftmaxStatistics {
  at::Tensor overlap;    // [B, K]: sum of p * t over the voxels
  at::Tensor predicted;  // [B, K]: sum of p
  at::Tensor present;    // [B, K]: sum of t, without gradient
  at::Tensor
      cross_entropy;  // scalar: mean of -weight[label] * log p[label], divided by the mean weight
};

// logits: [B, K, D, H, W] or [B, K, H, W], any float type; labels: int64 of the same sizes without
// K, each in 0 .. K-1. class_weights: empty (all 1) or K numbers >= 0. Computed in float32 (double
// for double), also under autocast; gradients flow to the logits in their own type and memory
// format.
//
// On the CPU one pass over the logits forward and one backward, without one-hot labels or stored
// probabilities; the result does not depend on the number of threads. Elsewhere torch's operators.
//
// Throws Error{kInvalidArgument} on other shapes or types, and on the CPU for a label outside 0 ..
// K-1.
[[nodiscard]] SoftmaxStatistics softmax_statistics(const at::Tensor& logits,
                                                   const at::Tensor& labels,
                                                   const std::vector<double>& class_weights);

}  // namespace marrow
