#include "clinical/tasks/classification.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_sample_dirichlet.h>
#include <ATen/ops/full.h>

#include "clinical/losses/classification_loss.h"
#include "core/error.h"
#include "core/rng.h"

namespace marrow {

namespace {

// The number after `before` at the start of `name`, or after it behind a dot; -1 without one.
std::int64_t number_after(const std::string& name, const std::string& before) {
  if (!name.starts_with(before)) {
    return -1;
  }
  std::int64_t number = -1;
  std::from_chars(name.data() + before.size(), name.data() + name.size(), number);
  return number;
}

std::int64_t block_layer(const std::string& parameter) {
  for (const char* const before : {"blocks.", "stages."}) {
    const std::int64_t number = number_after(parameter, before);
    if (number >= 0) {
      return number + 1;
    }
  }
  return number_after(parameter, "layer");  // torchvision counts from 1
}

// Names of the weights and biases of batch norms.
std::set<std::string> batch_norm_parameters(const torch::nn::Module& module) {
  std::set<std::string> names;
  for (const auto& buffer : module.named_buffers()) {
    const std::string& name = buffer.key();
    const std::string statistic = "running_mean";
    if (name.ends_with(statistic)) {
      const std::string norm = name.substr(0, name.size() - statistic.size());
      names.insert({norm + "weight", norm + "bias"});
    }
  }
  return names;
}

struct Mixed {
  at::Tensor x;
  at::Tensor targets;
};

// Each image with another of the batch, one share for all (Zhang et al. 2018).
Mixed mix(const at::Tensor& x, const at::Tensor& targets, double alpha, std::uint64_t seed) {
  const at::Generator generator = at::detail::createCPUGenerator(derive_seed(seed, "mixup", {}));
  const double share =
      at::_sample_dirichlet(at::full({2}, alpha, at::kDouble), generator)[0].item<double>();
  return {share * x + (1 - share) * x.flip(0), share * targets + (1 - share) * targets.flip(0)};
}

}  // namespace

std::int64_t layer_of(const std::string& parameter, std::int64_t deepest) {
  const std::int64_t block = block_layer(parameter);
  if (block >= 0) {
    return block;
  }
  const bool after_all = parameter.starts_with("norm.") || parameter.starts_with("fc_norm.") ||
                         parameter.starts_with("head.");
  return after_all ? deepest : 0;
}

std::int64_t deepest_layer(const torch::nn::Module& encoder) {
  std::int64_t deepest = 0;
  for (const auto& parameter : encoder.named_parameters()) {
    deepest = std::max(deepest, block_layer(parameter.key()));
  }
  return deepest;
}

ClassificationTask::ClassificationTask(std::shared_ptr<Encoder> encoder,
                                       std::shared_ptr<ClassifierHead> head,
                                       const ClassificationOptions& options,
                                       ClassificationSetting setting)
    : encoder_(register_module("encoder", std::move(encoder))),
      head_(register_module("head", std::move(head))),
      options_(options),
      setting_(std::move(setting)) {
  const auto refuse = [](const std::string& sentence) {
    throw Error(ErrorCode::kInvalidArgument, "classification: " + sentence);
  };
  if (setting_.multi_label && options_.label_smoothing > 0) {
    refuse("label_smoothing is for one class per image, and the data has findings; set it to 0");
  }
  if (options_.class_weights == "given" && options_.weights.empty()) {
    refuse("class_weights is \"given\", but `weights` is empty; list one weight for each class");
  }
  if (options_.class_weights != "given" && !options_.weights.empty()) {
    refuse("`weights` are listed, but class_weights is \"" + options_.class_weights +
           "\"; set it to given, or leave the weights out");
  }
}

bool ClassificationTask::frozen(std::int64_t step) const {
  return (options_.freeze == "intended" || options_.freeze == "legacy") &&
         step / setting_.steps_per_epoch < options_.freeze_epochs;
}

void ClassificationTask::train(bool on) {
  Objective::train(on);
  if (options_.freeze == "head_only") {
    encoder_->eval();
  }
}

void ClassificationTask::open_encoder(bool open) {
  const std::set<std::string> always = batch_norm_parameters(*encoder_);
  for (auto& parameter : encoder_->named_parameters()) {
    parameter.value().set_requires_grad(open || always.contains(parameter.key()));
  }
}

StepResult ClassificationTask::step(const Batch& batch) {
  if (batch.views.empty() || !batch.targets.defined()) {
    throw Error(ErrorCode::kInvalidArgument,
                "classification: the batch has no targets; give a data set with classes");
  }
  open_encoder(!frozen(batch.step));
  Mixed input{batch.views.front(), batch.targets};
  if (options_.mixup > 0) {
    input = mix(input.x, input.targets, options_.mixup, batch.seed);
  }
  at::Tensor parts;
  {
    const at::AutoGradMode gradients(options_.freeze != "head_only");
    parts = tokens(input.x);
  }
  const at::Tensor scores = head_->logits(parts);
  StepResult result;
  result.loss = classification_loss(scores,
                                    input.targets,
                                    {.multi_label = setting_.multi_label,
                                     .class_weights = setting_.class_weights,
                                     .label_smoothing = options_.label_smoothing});
  if (!setting_.multi_label && options_.mixup == 0) {
    result.parts.emplace_back(
        "accuracy", scores.detach().argmax(1).eq(batch.targets.argmax(1)).to(at::kFloat).mean());
  }
  return result;
}

std::vector<ParameterGroup> ClassificationTask::parameter_groups() const {
  const std::int64_t deepest = deepest_layer(*encoder_);
  std::vector<ParameterGroup> groups{{"head", {}, 1.0}};
  for (std::int64_t layer = 0; layer <= deepest; ++layer) {
    groups.push_back(
        {"encoder layer " + std::to_string(layer),
         {},
         options_.encoder_lr_scale *
             std::pow(options_.layer_decay, static_cast<double>(deepest + 1 - layer))});
  }
  const std::string prefix = "encoder.";
  for (const auto& parameter : named_parameters()) {
    const std::string& name = parameter.key();
    const std::size_t group =
        name.starts_with(prefix)
            ? 1 + static_cast<std::size_t>(layer_of(name.substr(prefix.size()), deepest))
            : 0;
    groups[group].parameters.push_back(name);
  }
  return groups;
}

double ClassificationTask::lr_factor(std::size_t group, std::int64_t step) const {
  const auto epoch = static_cast<double>(step / setting_.steps_per_epoch);
  const double open_for = epoch - static_cast<double>(options_.freeze_epochs);
  if (options_.freeze == "legacy") {
    return open_for >= 1 ? 0.2 : 1.0;
  }
  if (options_.freeze == "intended" && group > 0 && open_for >= 0) {
    return std::min(1.0, 0.1 * std::pow(2.0, open_for));
  }
  return 1.0;
}

at::Tensor ClassificationTask::tokens(const at::Tensor& x) {
  const bool bag = encoder_->dimensions() == 2 && x.dim() == 5;
  const at::Tensor images = bag ? x.transpose(1, 2).flatten(0, 1) : x;
  at::Tensor parts = options_.tokens == "pooled"
                         ? encoder_->pooled(images).unsqueeze(1)
                         : encoder_->features(images).back().flatten(2).transpose(1, 2);
  return bag ? parts.reshape({x.size(0), -1, parts.size(-1)}) : parts;
}

at::Tensor ClassificationTask::logits(const at::Tensor& x) {
  return head_->logits(tokens(x));
}

}  // namespace marrow
