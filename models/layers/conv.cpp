#include "models/layers/conv.h"

#include <algorithm>
#include <cmath>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/conv_transpose3d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "core/error.h"
#include "models/layers/depthwise_conv.h"

namespace marrow {

namespace {

std::int64_t product(const std::vector<std::int64_t>& values) {
  std::int64_t result = 1;
  for (const std::int64_t value : values) {
    result *= value;
  }
  return result;
}

at::Tensor kaiming(const std::vector<std::int64_t>& shape, std::int64_t fan) {
  const at::NoGradGuard no_grad;
  // gain of leaky ReLU with slope 0.01, as nnU-Net initialises
  const double deviation = std::sqrt(2.0 / (1.0 + 0.01 * 0.01) / static_cast<double>(fan));
  return at::empty(shape).normal_(0.0, deviation);
}

}  // namespace

Conv::Conv(const Options& options) : stride_(options.stride), groups_(options.groups) {
  MARROW_CHECK(options.dimensions == 2 || options.dimensions == 3);
  MARROW_CHECK(options.in % groups_ == 0 && options.out % groups_ == 0);
  const auto rank = static_cast<std::size_t>(options.dimensions);
  if (stride_.empty()) {
    stride_.assign(rank, 1);
  }
  MARROW_CHECK(stride_.size() == rank);
  std::vector<std::int64_t> shape = {options.out, options.in / groups_};
  shape.insert(shape.end(), rank, options.kernel);
  padding_.assign(rank, options.padding < 0 ? options.kernel / 2 : options.padding);
  weight_ = register_parameter("weight", kaiming(shape, product(shape) / options.out));
  if (options.bias) {
    bias_ = register_parameter("bias", at::zeros({options.out}));
  }
  depthwise_ = groups_ > 1 && groups_ == options.in && groups_ == options.out && options.bias &&
               options.kernel % 2 == 1 && options.padding < 0 &&
               std::all_of(stride_.begin(), stride_.end(), [](auto s) { return s == 1; });
}

at::Tensor Conv::forward(const at::Tensor& x) const {
  // By the names that autocast knows: it would run at::convolution in float32.
  if (depthwise_) {
    return depthwise_conv(x, weight_, bias_);
  }
  const std::vector<std::int64_t> dilation(stride_.size(), 1);
  return stride_.size() == 3 ? at::conv3d(x, weight_, bias_, stride_, padding_, dilation, groups_)
                             : at::conv2d(x, weight_, bias_, stride_, padding_, dilation, groups_);
}

TransposedConv::TransposedConv(int dimensions,
                               std::int64_t in,
                               std::int64_t out,
                               std::vector<std::int64_t> kernel,
                               std::vector<std::int64_t> stride,
                               std::int64_t padding)
    : stride_(std::move(stride)), padding_(static_cast<std::size_t>(dimensions), padding) {
  MARROW_CHECK(kernel.size() == stride_.size() && stride_.size() == padding_.size());
  std::vector<std::int64_t> shape = {in, out};
  shape.insert(shape.end(), kernel.begin(), kernel.end());
  weight_ = register_parameter("weight", kaiming(shape, in * product(kernel) / product(stride_)));
  bias_ = register_parameter("bias", at::zeros({out}));
}

at::Tensor TransposedConv::forward(const at::Tensor& x) const {
  return stride_.size() == 3 ? at::conv_transpose3d(x, weight_, bias_, stride_, padding_)
                             : at::conv_transpose2d(x, weight_, bias_, stride_, padding_);
}

}  // namespace marrow
