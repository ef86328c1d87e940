#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "models/layers/visibility.h"

namespace marrow {

enum class NormKind { kInstance, kBatch };

// "instance" or "batch"; throws Error{kInvalidArgument} on another word.
[[nodiscard]] NormKind norm_kind(const std::string& word);

// Norm over visible positions, an optional residual and leaky ReLU (slope 1: none, 0: ReLU).
// Parameters "weight" and "bias"; a batch norm also has the buffers "running_mean" and
// "running_var", updated from visible positions only (the variance unbiased), and uses them in eval
// mode.
class NormAct : public torch::nn::Module {
 public:
  // cap: upper end of the activation (6: ReLU6).
  NormAct(NormKind kind,
          std::int64_t channels,
          double slope,
          double cap = std::numeric_limits<double>::infinity());

  // `visible` null: all. Output is exactly 0 at hidden positions.
  [[nodiscard]] at::Tensor forward(const at::Tensor& x,
                                   const Visibility* visible,
                                   const at::Tensor& residual = {});

 private:
  [[nodiscard]] at::Tensor with_running_statistics(const at::Tensor& x,
                                                   const at::Tensor& residual) const;

  NormKind kind_;
  double slope_;
  double cap_;
  double eps_ = 1e-5;
  at::Tensor weight_;
  at::Tensor bias_;
  at::Tensor running_mean_;
  at::Tensor running_var_;
};

}  // namespace marrow
