#include "clinical/losses/classification_loss.h"

#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>

#include "core/error.h"

namespace marrow {

namespace {

at::Tensor weights_for(const std::vector<double>& weights, const at::Tensor& logits) {
  if (weights.empty()) {
    return at::ones({logits.size(1)}, logits.options());
  }
  if (static_cast<std::int64_t>(weights.size()) != logits.size(1)) {
    throw Error(ErrorCode::kInvalidArgument,
                "classification.class_weights: expected one weight for each of the " +
                    std::to_string(logits.size(1)) + " classes, found " +
                    std::to_string(weights.size()));
  }
  return at::tensor(weights, at::kDouble).to(logits.options());
}

}  // namespace

at::Tensor classification_loss(const at::Tensor& raw_logits,
                               const at::Tensor& raw_targets,
                               const ClassificationLossOptions& options) {
  if (raw_logits.dim() != 2 || raw_logits.sizes() != raw_targets.sizes()) {
    throw Error(ErrorCode::kInvalidArgument,
                "classification loss: expected logits and targets of one size [B, K], found " +
                    std::to_string(raw_logits.dim()) + " and " + std::to_string(raw_targets.dim()) +
                    " axes or different sizes");
  }
  const at::Tensor logits =
      raw_logits.scalar_type() == at::kDouble ? raw_logits : raw_logits.to(at::kFloat);
  const at::Tensor weights = weights_for(options.class_weights, logits);
  at::Tensor targets = raw_targets.to(logits.options());
  if (options.multi_label) {
    return at::binary_cross_entropy_with_logits(logits, targets, {}, weights);
  }
  if (options.label_smoothing > 0) {
    targets = (1 - options.label_smoothing) * targets +
              options.label_smoothing / static_cast<double>(logits.size(1));
  }
  const at::Tensor weighted = weights * targets;
  return -(weighted * at::log_softmax(logits, 1)).sum() / weighted.sum();
}

std::vector<double> balanced_weights(const std::vector<double>& counts,
                                     double cases,
                                     bool multi_label) {
  std::vector<double> weights;
  for (const double count : counts) {
    if (count <= 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  "classification.class_weights: a class without training cases cannot be weighed");
    }
    weights.push_back(multi_label ? (cases - count) / count
                                  : cases / (static_cast<double>(counts.size()) * count));
  }
  return weights;
}

}  // namespace marrow
