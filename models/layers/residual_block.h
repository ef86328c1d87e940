#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include "models/layers/conv.h"
#include "models/layers/norm.h"

namespace marrow {

// Convolution, norm and activation, under the names "conv" and "norm".
class ConvNormAct : public torch::nn::Module {
 public:
  // slope 1: no activation.
  ConvNormAct(const Conv::Options& conv, const NormOptions& norm, double slope);

  [[nodiscard]] at::Tensor forward(const at::Tensor& x,
                                   const Visibility* visible,
                                   const at::Tensor& residual = {},
                                   double drop_rate = 0.0);

 private:
  std::shared_ptr<Conv> conv_;
  std::shared_ptr<NormAct> norm_;
};

// Residual block of the residual-encoder U-Net (BasicBlockD of dynamic-network-architectures):
// conv-norm-act-conv-norm, plus the input, which passes an average pool where the block strides and
// a 1x1 convolution with norm where the width changes; activation after the sum. Submodules
// "conv1", "conv2", "skip.0" (pool, without parameters) and "skip.1".
class ResidualBlock : public torch::nn::Module {
 public:
  ResidualBlock(int dimensions,
                std::int64_t in,
                std::int64_t out,
                std::vector<std::int64_t> stride,
                const NormOptions& norm,
                bool conv_bias,
                double drop_rate = 0.0);  // of the convolutions' branch in training

  [[nodiscard]] at::Tensor forward(const at::Tensor& x, const Visibility* visible);

 private:
  std::vector<std::int64_t> stride_;
  bool strided_ = false;
  double drop_rate_ = 0.0;
  std::shared_ptr<ConvNormAct> conv1_;
  std::shared_ptr<ConvNormAct> conv2_;
  std::shared_ptr<ConvNormAct> projection_;
};

// Average pooling with kernel = stride over 2 or 3 spatial axes; hidden positions count as 0 and
// stay hidden.
[[nodiscard]] at::Tensor average_pool(const at::Tensor& x,
                                      const std::vector<std::int64_t>& stride,
                                      const Visibility* visible);

}  // namespace marrow
