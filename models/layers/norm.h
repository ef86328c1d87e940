#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "models/layers/visibility.h"

namespace marrow {

enum class NormKind {
  kInstance,  // over the positions of a channel of a sample
  kBatch,     // over the positions of a channel of the whole batch
  kGroup,     // over the positions of a group of neighbouring channels of a sample
  kLayer,     // over the channels of a position
};

// "instance", "batch", "group" or "layer"; throws Error{kInvalidArgument} on another word.
[[nodiscard]] NormKind norm_kind(const std::string& word);

// Which norm a network is built with.
struct NormOptions {
  // NOLINTNEXTLINE(google-explicit-constructor): a kind alone says all but the number of groups
  NormOptions(NormKind norm, std::int64_t count = 8) : kind(norm), groups(count) {}

  NormKind kind;
  std::int64_t groups;  // of kGroup; the channels must be a multiple of it
};

// Norm over visible positions, an optional residual and leaky ReLU (slope 1: none, 0: ReLU).
// Parameters "weight" and "bias"; a batch norm also has the buffers "running_mean" and
// "running_var", updated from visible positions only (the variance unbiased), and uses them in eval
// mode. Variances are biased, eps is 1e-5. An instance norm, and a batch norm in training, is one
// fused pass on the CPU; the other kinds are several, and slower.
class NormAct : public torch::nn::Module {
 public:
  // cap: upper end of the activation (6: ReLU6). Throws Error{kInvalidArgument} when the groups of
  // a group norm do not divide the channels.
  NormAct(const NormOptions& norm,
          std::int64_t channels,
          double slope,
          double cap = std::numeric_limits<double>::infinity());

  // `visible` null: all. Output is exactly 0 at hidden positions. drop_rate: in training, the share
  // of samples whose normed x is left out before the residual is added (drop_path.h). Throws
  // Error{kInvalidArgument} when the residual differs from x in size.
  [[nodiscard]] at::Tensor forward(const at::Tensor& x,
                                   const Visibility* visible,
                                   const at::Tensor& residual = {},
                                   double drop_rate = 0.0);

 private:
  struct Activation {
    double slope;
    double cap;
  };

  [[nodiscard]] at::Tensor fused(const at::Tensor& x,
                                 const Visibility* visible,
                                 const at::Tensor& residual,
                                 const Activation& activation);
  [[nodiscard]] at::Tensor normed(const at::Tensor& x, const Visibility* visible);

  NormOptions norm_;
  Activation activation_;
  double eps_ = 1e-5;
  at::Tensor weight_;
  at::Tensor bias_;
  at::Tensor running_mean_;
  at::Tensor running_var_;
};

}  // namespace marrow
