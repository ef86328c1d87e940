#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "models/layers/add_norm.h"

namespace marrow {

inline constexpr double kTokenNormEps =
    1e-6;  // of vision transformers and ConvNeXt; LibTorch's own default is 1e-5

// Layer norm over the last axis with kTokenNormEps: "weight" and "bias" [width].
class TokenNorm : public torch::nn::Module {
 public:
  explicit TokenNorm(std::int64_t width);

  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;
  // Of x + branch; see add_norm().
  [[nodiscard]] NormedSum of_sum(const at::Tensor& x, const at::Tensor& branch) const;

  [[nodiscard]] const at::Tensor& weight() const { return weight_; }

  [[nodiscard]] const at::Tensor& bias() const { return bias_; }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

}  // namespace marrow
