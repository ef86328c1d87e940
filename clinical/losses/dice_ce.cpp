#include "clinical/losses/dice_ce.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>

#include "core/error.h"

namespace marrow {

DiceCeLoss dice_ce_loss(const at::Tensor& logits,
                        const at::Tensor& labels,
                        const DiceCeOptions& options) {
  const SoftmaxStatistics statistics = softmax_statistics(logits, labels, options.class_weights);
  const at::Tensor dice = soft_dice_loss(statistics, options.dice);
  return {options.dice_weight * dice + options.ce_weight * statistics.cross_entropy,
          dice.detach(),
          statistics.cross_entropy.detach()};
}

std::vector<double> deep_supervision_weights(std::size_t maps) {
  std::vector<double> weights(maps);
  double weight = 1.0;
  double total = 0.0;
  for (double& w : weights) {
    w = weight;
    total += weight;
    weight /= 2.0;
  }
  for (double& w : weights) {
    w /= total;
  }
  return weights;
}

at::Tensor reduced_labels(const at::Tensor& labels, at::IntArrayRef size) {
  if (static_cast<std::int64_t>(size.size()) + 1 != labels.dim()) {
    throw Error(ErrorCode::kInvalidArgument,
                "segmentation loss: labels and logits differ in their number of axes");
  }
  at::Tensor reduced = labels;
  for (std::size_t a = 0; a < size.size(); ++a) {
    const auto axis = static_cast<std::int64_t>(a) + 1;
    const std::int64_t from = labels.size(axis);
    if (size[a] == from) {
      continue;
    }
    // Integers only: floor((i + 1/2) * from / to).
    const at::Tensor index = at::arange(size[a], labels.options().dtype(at::kLong));
    reduced = reduced.index_select(
        axis, (2 * index + 1).mul(from).div(2 * size[a], "floor").clamp_max(from - 1));
  }
  return reduced;
}

DiceCeLoss deep_supervision_loss(const std::vector<at::Tensor>& logits,
                                 const at::Tensor& labels,
                                 const DiceCeOptions& options) {
  if (logits.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "segmentation loss: expected at least one map of logits");
  }
  const std::vector<double> weights = deep_supervision_weights(logits.size());
  DiceCeLoss finest;
  at::Tensor total;
  for (std::size_t m = 0; m < logits.size(); ++m) {
    const DiceCeLoss part =
        dice_ce_loss(logits[m], reduced_labels(labels, logits[m].sizes().slice(2)), options);
    total = m == 0 ? part.loss * weights[m] : total + part.loss * weights[m];
    if (m == 0) {
      finest = part;
    }
  }
  return {total, finest.dice, finest.cross_entropy};
}

}  // namespace marrow
