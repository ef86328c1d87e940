#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "models/training/objective.h"

namespace marrow {

// AdamW with decoupled weight decay (Loshchilov & Hutter 2019): one pass over all values at once on
// the CPU, LibTorch's fused kernel on other devices. One-dimensional parameters, tokens
// ("token...", "..._token") and "pos_embed" do not decay. The result on the CPU does not depend on
// the number of threads.
class AdamW {
 public:
  struct Options {
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1e-8;
  };

  // Groups as the objective names them; an empty list means one group of everything. Throws
  // Error{kInternal} when a parameter is in no group or in two, or has gaps in memory.
  AdamW(const Objective& objective, const Options& options);

  // Global L2 norm of the gradients (NaN and infinity pass through).
  [[nodiscard]] double gradient_norm();
  // What the learning rate of each group is multiplied by from now on, besides its lr_scale.
  void set_lr_factors(const std::function<double(std::size_t group)>& factor);
  // One update of every parameter that has a gradient, as if the gradient were multiplied by
  // `gradient_scale` (clipping). A learning rate of 0 leaves parameters and moments alone.
  void step(double lr, double weight_decay, double gradient_scale = 1);
  void zero_gradients();

  // Moments and step counts by parameter name, for checkpoints. `load` copies into our own tensors,
  // so that strides stay those of the parameters: the kernels walk memory, not indices. Throws
  // Error{kUnreadable} for a name that is not ours.
  [[nodiscard]] std::vector<std::pair<std::string, at::Tensor>> state() const;
  void load(const std::string& name, const at::Tensor& value);

 private:
  struct Slot {
    std::string name;
    at::Tensor parameter;
    at::Tensor average;
    at::Tensor square;
    std::int64_t count = 0;  // updates so far
    std::size_t group = 0;
    double lr_scale = 1;
    double lr_factor = 1;
    bool decays = true;
    bool raw = false;  // float or double on the CPU: by our own kernel

    [[nodiscard]] double rate() const { return lr_scale * lr_factor; }
  };

  // A slot that has a gradient now, and where its first value is in the row of all raw values.
  struct Active {
    Slot* slot;
    at::Tensor gradient;
    std::int64_t begin;
  };

  void gather();
  template <class Body>
  void for_spans(std::int64_t first, std::int64_t last, const Body& body) const;
  void step_raw(double lr, double weight_decay, double gradient_scale);
  void step_others(double lr, double weight_decay, double gradient_scale);

  Options options_;
  std::vector<Slot> slots_;
  std::vector<Active> active_;  // of the last gather()
  std::int64_t raw_values_ = 0;
};

}  // namespace marrow
