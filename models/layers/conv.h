#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace marrow {

// A convolution of runtime rank (2 or 3). Parameters "weight" and, with bias, "bias", as torch
// names them.
class Conv : public torch::nn::Module {
 public:
  struct Options {
    int dimensions = 3;
    std::int64_t in = 1;
    std::int64_t out = 1;
    std::int64_t kernel = 3;           // the same along every axis
    std::vector<std::int64_t> stride;  // empty: 1
    bool bias = false;
    std::int64_t groups = 1;    // `in` of them: depth-wise
    std::int64_t padding = -1;  // -1: half the kernel, which keeps the size at stride 1
  };

  // Weights drawn by Kaiming's rule for leaky ReLU from LibTorch's default generator.
  explicit Conv(const Options& options);

  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;

  [[nodiscard]] const at::Tensor& weight() const { return weight_; }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  std::vector<std::int64_t> stride_;
  std::vector<std::int64_t> padding_;
  std::int64_t groups_ = 1;
  bool depthwise_ = false;  // by the faster gradients of depthwise_conv.h
};

// Transposed convolution with "weight" [in, out, kernel...] and "bias".
class TransposedConv : public torch::nn::Module {
 public:
  TransposedConv(int dimensions,
                 std::int64_t in,
                 std::int64_t out,
                 std::vector<std::int64_t> kernel,
                 std::vector<std::int64_t> stride,
                 std::int64_t padding);

  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  std::vector<std::int64_t> stride_;
  std::vector<std::int64_t> padding_;
};

}  // namespace marrow
