#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "models/weights/safetensors.h"

namespace marrow {

// An exponential moving average of a module's trained parameters (Polyak & Juditsky 1992). Early on
// the momentum is lower, min(momentum, (1 + t) / (10 + t)) at update t, so that the first weights
// are forgotten. Buffers are not averaged: the module's present ones go with the averages.
// Parameters that take no gradient are left out.
class WeightAverage {
 public:
  // Starts at the module's present weights. 0 < momentum < 1.
  WeightAverage(const torch::nn::Module& module, double momentum);

  // After update `t` of the weights, t >= 1. A pure function of the averages, the weights and t.
  void update(std::int64_t t);

  // The averages by parameter name, each with `prefix`. `load` takes them back; throws
  // Error{kUnreadable} when one is missing or has another shape.
  [[nodiscard]] std::vector<std::pair<std::string, at::Tensor>> state(
      const std::string& prefix) const;
  void load(const TensorFile& content, const std::string& prefix);

  // Exchanges averages and weights, without copying. Twice is as if never.
  void swap();

 private:
  double momentum_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> weights_;
  std::vector<at::Tensor> averages_;
};

// The averages in place of the weights while the object lives. `average` may be null: nothing
// happens.
class AveragedWeights {
 public:
  explicit AveragedWeights(WeightAverage* average);
  ~AveragedWeights();
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  WeightAverage* average_;
};

}  // namespace marrow
