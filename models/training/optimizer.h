#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "models/training/objective.h"

namespace marrow {

// AdamW with decoupled weight decay (Loshchilov & Hutter 2019) through LibTorch's fused kernel.
// One-dimensional parameters, tokens ("token...", "..._token") and "pos_embed" do not decay.
class AdamW {
 public:
  struct Options {
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1e-8;
  };

  // Groups as the objective names them; an empty list means one group of everything. Throws
  // Error{kInternal} when a parameter is in no group or in two.
  AdamW(const Objective& objective, const Options& options);

  // Global L2 norm of the gradients, in float32 (NaN and infinity pass through).
  [[nodiscard]] double gradient_norm();
  // Multiplies all gradients.
  void scale_gradients(double factor);
  void step(double lr, double weight_decay);
  void zero_gradients();

  // Moments and step counts by parameter name, for checkpoints. `load` copies into our own tensors,
  // so that strides stay those of the parameters: the fused kernel walks memory, not indices.
  [[nodiscard]] std::vector<std::pair<std::string, at::Tensor>> state() const;
  void load(const std::string& name, const at::Tensor& value);

 private:
  struct Slot {
    std::string name;
    at::Tensor parameter;
    at::Tensor average;
    at::Tensor square;
    at::Tensor count;
    double lr_scale = 1;
    bool decays = true;
  };

  void match_gradient_strides();

  Options options_;
  std::vector<Slot> slots_;
};

}  // namespace marrow
