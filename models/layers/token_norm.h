#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace marrow {

// Layer norm over the last axis, eps 1e-6: "weight" and "bias" [width].
class TokenNorm : public torch::nn::Module {
 public:
  explicit TokenNorm(std::int64_t width);

  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

}  // namespace marrow
