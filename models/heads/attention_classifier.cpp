#include "models/heads/attention_classifier.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tanh.h>

#include "models/layers/linear.h"

namespace marrow {

namespace {

class AttentionClassifier final : public ClassifierHead {
 public:
  AttentionClassifier(const AttentionClassifierOptions& options, const ClassifierInput& input)
      : options_(options) {
    const double by_fan_in = 1 / std::sqrt(static_cast<double>(input.features));
    v_ = register_module("v", std::make_shared<Linear>(input.features, options.width, by_fan_in));
    u_ = register_module("u", std::make_shared<Linear>(input.features, options.width, by_fan_in));
    w_ = register_module("w",
                         std::make_shared<Linear>(
                             options.width, 1, 1 / std::sqrt(static_cast<double>(options.width))));
    fc_ = register_module(
        "fc", std::make_shared<Linear>(input.features, input.classes, options.init_std));
  }

  at::Tensor logits(const at::Tensor& tokens) override {
    const at::Tensor gated = at::tanh(v_->forward(tokens)) * at::sigmoid(u_->forward(tokens));
    const at::Tensor weights = at::softmax(w_->forward(gated).to(at::kFloat), 1);
    const at::Tensor pooled = (weights * tokens).sum(1);
    return fc_->forward(at::dropout(pooled, options_.dropout, is_training()));
  }

 private:
  AttentionClassifierOptions options_;
  std::shared_ptr<Linear> v_;
  std::shared_ptr<Linear> u_;
  std::shared_ptr<Linear> w_;
  std::shared_ptr<Linear> fc_;
};

}  // namespace

std::shared_ptr<ClassifierHead> make_attention_classifier(const ConfigSection& options,
                                                          const ClassifierInput& input) {
  return std::make_shared<AttentionClassifier>(options.parse<AttentionClassifierOptions>(), input);
}

}  // namespace marrow
