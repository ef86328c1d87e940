#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "core/registry.h"

namespace marrow {

// Scores a whole image from the features of its parts.
class ClassifierHead : public torch::nn::Module {
 public:
  // tokens: [B, T, F], the T parts of each image (slices, positions, or one row for the whole).
  // [B, classes] raw logits; no softmax or sigmoid inside.
  [[nodiscard]] virtual at::Tensor logits(const at::Tensor& tokens) = 0;
};

// What a classifier is built for.
struct ClassifierInput {
  std::int64_t features = 1;
  std::int64_t classes = 2;
};

using ClassifierFactory =
    std::function<std::shared_ptr<ClassifierHead>(const ConfigSection&, const ClassifierInput&)>;
using ClassifierHeads = Registry<ClassifierFactory>;

// linear, attention
void add_builtin_classifier_heads(ClassifierHeads& heads);

}  // namespace marrow
