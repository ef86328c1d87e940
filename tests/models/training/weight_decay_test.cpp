#include <memory>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/training/optimizer.h"

namespace marrow {
namespace {

class ManyNames : public Objective {
 public:
  ManyNames() {
    const auto part = register_module("part", std::make_shared<torch::nn::Module>());
    for (const char* name : {"weight", "token", "cls_token", "mask_token", "pos_embed"}) {
      part->register_parameter(name, at::ones({1, 2, 3}));
    }
    part->register_parameter("gamma", at::ones({3}));
  }

  StepResult step(const Batch&) override { return {}; }
};

TEST(WeightDecay, SparesTokensPositionsAndOneDimension) {
  ManyNames objective;
  AdamW optimizer(objective, {});
  for (at::Tensor& parameter : objective.parameters()) {
    parameter.mutable_grad() = at::zeros_like(parameter);
  }

  optimizer.step(0.5, 0.5);

  for (const auto& item : objective.named_parameters()) {
    EXPECT_EQ(item.value().min().item<float>(), item.key() == "part.weight" ? 0.75F : 1.0F)
        << item.key();
  }
}

}  // namespace
}  // namespace marrow
