#include "models/layers/residual_block.h"

#include <algorithm>

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/avg_pool3d.h>

namespace marrow {

namespace {

constexpr double kLeakySlope = 0.01;

}  // namespace

ConvNormAct::ConvNormAct(const Conv::Options& conv, const NormOptions& norm, double slope) {
  conv_ = register_module("conv", std::make_shared<Conv>(conv));
  norm_ = register_module("norm", std::make_shared<NormAct>(norm, conv.out, slope));
}

at::Tensor ConvNormAct::forward(const at::Tensor& x,
                                const Visibility* visible,
                                const at::Tensor& residual,
                                double drop_rate) {
  // The norm reads visible positions only and writes 0 elsewhere, so the convolution's values at
  // hidden positions (its bias included) go nowhere.
  return norm_->forward(conv_->forward(x), visible, residual, drop_rate);
}

at::Tensor average_pool(const at::Tensor& x,
                        const std::vector<std::int64_t>& stride,
                        const Visibility* visible) {
  const at::Tensor y =
      stride.size() == 3 ? at::avg_pool3d(x, stride, stride) : at::avg_pool2d(x, stride, stride);
  return visible == nullptr ? y : visible->select(y);
}

ResidualBlock::ResidualBlock(int dimensions,
                             std::int64_t in,
                             std::int64_t out,
                             std::vector<std::int64_t> stride,
                             const NormOptions& norm,
                             bool conv_bias,
                             double drop_rate)
    : stride_(std::move(stride)), drop_rate_(drop_rate) {
  strided_ = std::any_of(stride_.begin(), stride_.end(), [](std::int64_t s) { return s != 1; });
  conv1_ = register_module("conv1",
                           std::make_shared<ConvNormAct>(Conv::Options{.dimensions = dimensions,
                                                                       .in = in,
                                                                       .out = out,
                                                                       .kernel = 3,
                                                                       .stride = stride_,
                                                                       .bias = conv_bias},
                                                         norm,
                                                         kLeakySlope));
  conv2_ = register_module("conv2",
                           std::make_shared<ConvNormAct>(Conv::Options{.dimensions = dimensions,
                                                                       .in = out,
                                                                       .out = out,
                                                                       .kernel = 3,
                                                                       .stride = {},
                                                                       .bias = conv_bias},
                                                         norm,
                                                         kLeakySlope));
  if (in != out) {
    // A module between, so that the parameters are called skip.1.conv.weight (skip.0 when there is
    // no pool), as in dynamic-network-architectures.
    const auto skip = register_module("skip", std::make_shared<torch::nn::Module>());
    projection_ =
        skip->register_module(strided_ ? "1" : "0",
                              std::make_shared<ConvNormAct>(Conv::Options{.dimensions = dimensions,
                                                                          .in = in,
                                                                          .out = out,
                                                                          .kernel = 1,
                                                                          .stride = {},
                                                                          .bias = false},
                                                            norm,
                                                            1.0));
  }
}

at::Tensor ResidualBlock::forward(const at::Tensor& x, const Visibility* visible) {
  at::Tensor identity = strided_ ? average_pool(x, stride_, visible) : x;
  if (projection_ != nullptr) {
    identity = projection_->forward(identity, visible);
  }
  return conv2_->forward(conv1_->forward(x, visible), visible, identity, drop_rate_);
}

}  // namespace marrow
