#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace marrow {

struct ClassificationLossOptions {
  bool multi_label = false;
  std::vector<double> class_weights = {};  // one per class (finding); empty: all 1
  double label_smoothing = 0.0;            // one class per image only
};

// Mean loss of logits [B, K] against targets [B, K] in [0, 1], in float32.
//
// One class per image (each row of targets sums to 1, as one-hot rows and mixtures of them do):
// cross entropy -sum_k w_k t_k log softmax_k, over the batch divided by sum_b sum_k w_k t_k as
// LibTorch's weighted mean is; label smoothing e first turns t into (1 - e) t + e / K.
//
// Several findings: the mean over images and findings of binary cross entropy with logits, in which
// the weight of a finding multiplies its positive term (LibTorch's pos_weight).
//
// Throws Error{kInvalidArgument} for sizes that differ and weights that are not one per class.
[[nodiscard]] at::Tensor classification_loss(const at::Tensor& logits,
                                             const at::Tensor& targets,
                                             const ClassificationLossOptions& options);

// Weights that make every class count the same: cases / (classes x cases of the class); of findings
// cases without it / cases with it. counts: cases of each class, none of them 0 (else
// Error{kInvalidArgument}); `cases`: in all.
[[nodiscard]] std::vector<double> balanced_weights(const std::vector<double>& counts,
                                                   double cases,
                                                   bool multi_label);

}  // namespace marrow
