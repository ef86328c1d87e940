#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace marrow {

// A linear layer with bias on the last axis: "weight" [out, in] and "bias" [out], drawn from
// LibTorch's default generator; biases start at 0.
class Linear : public torch::nn::Module {
 public:
  // By Xavier's uniform rule, as the masked autoencoder initialises its transformers.
  Linear(std::int64_t in, std::int64_t out);
  // From a normal of this deviation cut at two deviations, as heads start.
  Linear(std::int64_t in, std::int64_t out, double deviation);
  // With this weight [out, in].
  explicit Linear(const at::Tensor& weight);

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
