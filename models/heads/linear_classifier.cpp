#include "models/heads/linear_classifier.h"

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "models/layers/linear.h"
#include "models/layers/token_norm.h"

namespace marrow {

namespace {

class LinearClassifier final : public ClassifierHead {
 public:
  LinearClassifier(const LinearClassifierOptions& options, const ClassifierInput& input)
      : options_(options), features_(input.features) {
    if (options.norm == "layer") {
      norm_ = register_module("norm", std::make_shared<TokenNorm>(features_));
    } else if (options.norm == "batch") {
      const auto norm = register_module("norm", std::make_shared<torch::nn::Module>());
      running_mean_ = norm->register_buffer("running_mean", at::zeros({features_}));
      running_var_ = norm->register_buffer("running_var", at::ones({features_}));
    }
    fc_ = register_module(
        "fc", std::make_shared<Linear>(input.features, input.classes, options.init_std));
  }

  at::Tensor logits(const at::Tensor& tokens) override {
    at::Tensor x = tokens.mean(1);
    if (options_.norm == "layer") {
      x = norm_->forward(x);
    } else if (options_.norm == "batch") {
      x = at::batch_norm(
          x, {}, {}, running_mean_, running_var_, is_training(), kBatchMomentum, kBatchEps, false);
    }
    return fc_->forward(at::dropout(x, options_.dropout, is_training()));
  }

 private:
  static constexpr double kBatchMomentum = 0.1;
  static constexpr double kBatchEps = 1e-6;

  LinearClassifierOptions options_;
  std::int64_t features_;
  std::shared_ptr<TokenNorm> norm_;
  at::Tensor running_mean_;
  at::Tensor running_var_;
  std::shared_ptr<Linear> fc_;
};

}  // namespace

std::shared_ptr<ClassifierHead> make_linear_classifier(const ConfigSection& options,
                                                       const ClassifierInput& input) {
  return std::make_shared<LinearClassifier>(options.parse<LinearClassifierOptions>(), input);
}

}  // namespace marrow
