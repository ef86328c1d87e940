#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/config/options.h"
#include "models/classifier_head.h"

namespace marrow {

struct AttentionClassifierOptions {
  static constexpr std::string_view kName = "attention";

  std::int64_t width = 128;
  double dropout = 0.0;
  double init_std = 0.01;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("width", width, Range{1, 4096}, "of the hidden layer that the weights come from");
    visit("dropout", dropout, Range{0.0, 0.95}, "share of the features left out in training");
    visit("init_std",
          init_std,
          Range{0.0, 1.0},
          "deviation of the linear layer's first weights, normal and cut at two of them");
  }
};

// Attention-based multiple-instance pooling (Ilse et al. 2018, the gated form): the weight of part
// t is softmax over t of w (tanh(V h_t) * sigmoid(U h_t)), and logits = fc(sum of weight x h_t).
// Modules "v", "u", "w" and "fc". Of one part the weight is 1: a linear classifier.
[[nodiscard]] std::shared_ptr<ClassifierHead> make_attention_classifier(
    const ConfigSection& options, const ClassifierInput& input);

}  // namespace marrow
