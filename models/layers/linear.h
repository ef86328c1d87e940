#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace marrow {

// A linear layer with bias on the last axis: "weight" [out, in] and "bias" [out]. Weights are drawn
// by Xavier's uniform rule from LibTorch's default generator and biases start at 0, as the masked
// autoencoder initialises its transformers.
class Linear : public torch::nn::Module {
 public:
  Linear(std::int64_t in, std::int64_t out);

  // x: [..., in] -> [..., out]
  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

// Uniform in +-sqrt(6 / (in + out)).
//
// Source: Glorot & Bengio 2010.
[[nodiscard]] at::Tensor xavier_uniform(at::IntArrayRef shape, std::int64_t in, std::int64_t out);

}  // namespace marrow
