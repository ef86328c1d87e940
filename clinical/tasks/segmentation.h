#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"
#include "models/encoder.h"
#include "models/head.h"
#include "models/training/objective.h"

namespace marrow {

struct SegmentationOptions {
  static constexpr std::string_view kName = "segmentation";

  double dice_weight = 1.0;
  double ce_weight = 1.0;
  bool batch_dice = false;
  bool dice_background = false;
  double dice_smooth = 1e-5;
  std::vector<double> class_weights;
  double encoder_lr_scale = 1.0;
  std::int64_t freeze_steps = 0;
  std::string pretrained_decoder = "ignore";

  template <class Visit>
  void describe(Visit&& visit) {
    visit("dice_weight", dice_weight, Range{0.0, 100.0}, "weight of the soft Dice loss");
    visit("ce_weight", ce_weight, Range{0.0, 100.0}, "weight of the cross entropy");
    visit("batch_dice",
          batch_dice,
          "one Dice over the voxels of the whole batch instead of one per example");
    visit("dice_background", dice_background, "the Dice loss counts the background as a structure");
    visit("dice_smooth",
          dice_smooth,
          Range{1e-10, 10.0},
          "added to numerator and denominator of the Dice loss");
    visit("class_weights",
          class_weights,
          Range{0.0, 1e6},
          "weight of each class in the cross entropy, background first; empty: all 1");
    visit("encoder_lr_scale",
          encoder_lr_scale,
          Range{0.0, 10.0},
          "learning rate of the encoder relative to that of the head");
    visit("freeze_steps",
          freeze_steps,
          Range{0, 1000000000},
          "first steps in which only the head learns");
    visit("pretrained_decoder",
          pretrained_decoder,
          OneOf{{"ignore", "load"}},
          "load: start from the pretraining's decoder too, not from its encoder only");
  }
};

// Learns a label per voxel: head over encoder, soft Dice plus cross entropy, weights 1, 1/2, 1/4,
// ... for the coarser maps of a head with deep supervision. Submodules are called "encoder" and
// "head".
//
// For the first `freeze_steps` steps (by Batch::step) the encoder's parameters get no gradient: the
// optimizer leaves parameters without one alone.
class SegmentationTask : public Objective {
 public:
  // Throws Error{kInvalidArgument} when both weights are 0.
  SegmentationTask(std::shared_ptr<Encoder> encoder,
                   std::shared_ptr<Head> head,
                   const SegmentationOptions& options);

  // Uses the first view and the labels; Error{kInvalidArgument} without labels. Parts: "dice" (1 -
  // loss, of the finest map), "cross_entropy".
  [[nodiscard]] StepResult step(const Batch& batch) override;
  // "encoder" with encoder_lr_scale, and "head".
  [[nodiscard]] std::vector<ParameterGroup> parameter_groups() const override;

  // [B, K, D, H, W] (2D: [B, K, H, W]) on the grid of x; call eval() first and hold a NoGradGuard
  // for inference.
  [[nodiscard]] at::Tensor logits(const at::Tensor& x);

  [[nodiscard]] const std::shared_ptr<Encoder>& encoder() const { return encoder_; }

  [[nodiscard]] const std::shared_ptr<Head>& head() const { return head_; }

 private:
  std::shared_ptr<Encoder> encoder_;
  std::shared_ptr<Head> head_;
  SegmentationOptions options_;
};

}  // namespace marrow
