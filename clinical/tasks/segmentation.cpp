#include "clinical/tasks/segmentation.h"

#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include "clinical/losses/dice_ce.h"
#include "core/error.h"

namespace marrow {

SegmentationTask::SegmentationTask(std::shared_ptr<Encoder> encoder,
                                   std::shared_ptr<Head> head,
                                   const SegmentationOptions& options)
    : encoder_(register_module("encoder", std::move(encoder))),
      head_(register_module("head", std::move(head))),
      options_(options) {
  if (options_.dice_weight + options_.ce_weight <= 0.0) {
    throw Error(ErrorCode::kInvalidArgument,
                "segmentation: dice_weight and ce_weight are both 0, so there is nothing to learn "
                "from; make one of them greater than 0");
  }
}

StepResult SegmentationTask::step(const Batch& batch) {
  if (batch.views.empty() || !batch.labels.defined()) {
    throw Error(ErrorCode::kInvalidArgument,
                "segmentation: the batch has no labels; give a data set with label maps");
  }
  const at::Tensor& x = batch.views.front();
  std::vector<at::Tensor> features;
  {
    const at::AutoGradMode gradients(batch.step >= options_.freeze_steps);
    features = encoder_->features(x);
  }
  const std::vector<at::Tensor> maps = head_->logits(features, x.sizes().slice(2));
  DiceCeOptions loss_options;
  loss_options.dice = {options_.batch_dice, options_.dice_background, options_.dice_smooth};
  loss_options.dice_weight = options_.dice_weight;
  loss_options.ce_weight = options_.ce_weight;
  loss_options.class_weights = options_.class_weights;
  const DiceCeLoss result = deep_supervision_loss(maps, batch.labels, loss_options);
  return {result.loss, {{"dice", 1.0 - result.dice}, {"cross_entropy", result.cross_entropy}}};
}

std::vector<ParameterGroup> SegmentationTask::parameter_groups() const {
  std::vector<ParameterGroup> groups{{"encoder", {}, options_.encoder_lr_scale}, {"head", {}, 1.0}};
  for (const auto& parameter : named_parameters()) {
    const bool of_encoder = parameter.key().rfind("encoder.", 0) == 0;
    groups[of_encoder ? 0 : 1].parameters.push_back(parameter.key());
  }
  return groups;
}

at::Tensor SegmentationTask::logits(const at::Tensor& x) {
  return head_->logits(encoder_->features(x), x.sizes().slice(2)).front();
}

}  // namespace marrow
