#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "clinical/tasks/classification_options.h"
#include "models/classifier_head.h"
#include "models/encoder.h"
#include "models/training/objective.h"

namespace marrow {

// What a classification is about, besides its options.
struct ClassificationSetting {
  std::int64_t classes = 2;
  bool multi_label = false;
  // Of the loss, already decided; empty: all 1.
  std::vector<double> class_weights = {};
  // For schedules in epochs.
  std::int64_t steps_per_epoch = 1;
};

// Learns the class, or the findings, of whole images: head over encoder, cross entropy or binary
// cross entropy. Submodules are called "encoder" and "head".
//
// Images are [B, C, D, H, W] or, for a 2D encoder, [B, C, H, W]; a 2D encoder takes [B, C, S, H, W]
// as well: a bag of S slices, each encoded alone, the head pools over them.
//
// freeze (Wolf et al. 2023): in the first epochs the encoder's weights get no gradient but those of
// its batch norms, whose statistics follow the data. Then `intended` trains the encoder at a tenth
// of the head's rate, twice that in each further epoch, up to the head's; `legacy` does what the
// published code does: one epoch of everything at the full rate, then a fifth of it for encoder and
// head. head_only keeps the encoder in eval mode and without gradients.
//
// layer_decay d (BEiT, MAE): a parameter in layer n of N has d^(N + 1 - n) of the head's rate,
// layers counted from the stem, 0; layer_of() says what a layer is.
class ClassificationTask : public Objective {
 public:
  // Throws Error{kInvalidArgument} for options that contradict each other.
  ClassificationTask(std::shared_ptr<Encoder> encoder,
                     std::shared_ptr<ClassifierHead> head,
                     const ClassificationOptions& options,
                     ClassificationSetting setting);

  // Uses the first view and the targets; Error{kInvalidArgument} without targets. Parts:
  // "accuracy", of one class per image and without mixup.
  [[nodiscard]] StepResult step(const Batch& batch) override;
  [[nodiscard]] std::vector<ParameterGroup> parameter_groups() const override;
  [[nodiscard]] double lr_factor(std::size_t group, std::int64_t step) const override;

  void train(bool on = true) override;

  // [B, K]; call eval() first and hold a NoGradGuard for inference.
  [[nodiscard]] at::Tensor logits(const at::Tensor& x);

 private:
  [[nodiscard]] at::Tensor tokens(const at::Tensor& x);
  [[nodiscard]] bool frozen(std::int64_t step) const;
  void open_encoder(bool open);

  std::shared_ptr<Encoder> encoder_;
  std::shared_ptr<ClassifierHead> head_;
  ClassificationOptions options_;
  ClassificationSetting setting_;
};

// Layer of an encoder's parameter, by the names that its families use: 0 for the stem (patch
// embedding, tokens, positions), N + 1 for block N of a vision transformer, for stage or layer N of
// a convolutional network (layer1 is 1, stages.0 is 1), and `deepest` for what comes after all
// blocks.
[[nodiscard]] std::int64_t layer_of(const std::string& parameter, std::int64_t deepest);

// The number of layers above the stem.
[[nodiscard]] std::int64_t deepest_layer(const torch::nn::Module& encoder);

}  // namespace marrow
