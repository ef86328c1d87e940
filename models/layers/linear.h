#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace marrow {

// y = x W^T + b over the last axis. Parameters "weight" [out, in] and "bias", as torch names them.
class Linear : public torch::nn::Module {
 public:
  // Weights from a normal of this deviation cut at two deviations, from LibTorch's default
  // generator; the bias 0.
  Linear(std::int64_t in, std::int64_t out, double init_std);

  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

}  // namespace marrow
