#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "volumes/loader/batch.h"

namespace marrow {

struct StepResult {
  at::Tensor loss;                                        // scalar, float32
  std::vector<std::pair<std::string, at::Tensor>> parts;  // named scalars for the log, detached
};

// Parameters that share a learning-rate factor and weight decay.
struct ParameterGroup {
  std::string name;
  std::vector<std::string> parameters;  // names as named_parameters() gives them
  double lr_scale = 1.0;
};

// What the trainer trains; SSL methods and clinical tasks implement it.
class Objective : public torch::nn::Module {
 public:
  [[nodiscard]] virtual StepResult step(const Batch& batch) = 0;

  // Called after every optimizer step; progress in [0, 1].
  virtual void after_update(double /*progress*/) {}

  // Default: everything in one group. Parameters of one dimension never decay.
  [[nodiscard]] virtual std::vector<ParameterGroup> parameter_groups() const { return {}; }

  // What the learning rate of a group (by its place in parameter_groups()) is multiplied by in a
  // step, besides its lr_scale.
  [[nodiscard]] virtual double lr_factor(std::size_t /*group*/, std::int64_t /*step*/) const {
    return 1.0;
  }
};

}  // namespace marrow
