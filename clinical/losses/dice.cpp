#include "clinical/losses/dice.h"

#include <ATen/TensorOperators.h>

#include "core/error.h"

namespace marrow {

at::Tensor soft_dice_loss(const SoftmaxStatistics& statistics, const DiceLossOptions& options) {
  if (!(options.smooth > 0.0)) {
    throw Error(ErrorCode::kInvalidArgument, "dice loss: smooth must be greater than 0");
  }
  const std::int64_t first = options.background ? 0 : 1;
  const std::int64_t classes = statistics.overlap.size(1) - first;
  if (classes < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "dice loss: there is no class besides the background; set background to true");
  }
  at::Tensor overlap = statistics.overlap.narrow(1, first, classes);
  at::Tensor total = (statistics.predicted + statistics.present).narrow(1, first, classes);
  if (options.batch) {
    overlap = overlap.sum(0);
    total = total.sum(0);
  }
  return 1.0 - ((2.0 * overlap + options.smooth) / (total + options.smooth)).mean();
}

at::Tensor soft_dice_loss(const at::Tensor& logits,
                          const at::Tensor& labels,
                          const DiceLossOptions& options) {
  return soft_dice_loss(softmax_statistics(logits, labels, {}), options);
}

}  // namespace marrow
