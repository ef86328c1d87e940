#include "models/training/precision.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/ones.h>

#include "core/error.h"

namespace marrow {

namespace {

at::MemoryFormat channels_last_of(std::int64_t rank) {
  return rank == 5 ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::ChannelsLast;
}

// Seconds of a forward and backward pass of one middling convolution.
double timed_convolution(const ComputeMode& mode, int dimensions, const at::Device& device) {
  const auto rank = static_cast<std::size_t>(dimensions);
  std::vector<std::int64_t> image = {2, 32};
  image.insert(image.end(), rank, dimensions == 3 ? 16 : 64);
  std::vector<std::int64_t> kernel = {32, 32};
  kernel.insert(kernel.end(), rank, 3);
  const at::TensorOptions options = at::TensorOptions().device(device);
  const at::Tensor x = with_layout(at::ones(image, options), mode).requires_grad_();
  const at::Tensor w = with_layout(at::ones(kernel, options), mode).requires_grad_();
  const std::vector<std::int64_t> one(rank, 1);
  double best = 1e9;
  for (int repeat = 0; repeat < 4; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    at::Tensor total;
    {
      const AutocastGuard guard(mode, device);
      total =
          (dimensions == 3 ? at::conv3d(x, w, {}, one, one) : at::conv2d(x, w, {}, one, one)).sum();
    }
    total.backward();
    static_cast<void>(x.grad().sum().item<float>());  // waits for a GPU
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    if (best > 0.25) {
      break;  // emulated arithmetic: no need to know how slow exactly
    }
  }
  return best;
}

}  // namespace

std::string ComputeMode::name() const {
  return std::string(bf16 ? "bf16" : "fp32") + (channels_last ? "+channels_last" : "");
}

ComputeMode compute_mode_from_name(std::string_view name) {
  for (const bool bf16 : {false, true}) {
    for (const bool last : {false, true}) {
      const ComputeMode mode{bf16, last};
      if (mode.name() == name) {
        return mode;
      }
    }
  }
  throw Error(ErrorCode::kInvalidArgument,
              "compute mode: there is no \"" + std::string(name) + "\"");
}

ComputeMode choose_compute_mode(const std::string& precision,
                                const std::string& layout,
                                int dimensions,
                                const at::Device& device) {
  ComputeMode mode{precision == "bf16", layout == "channels_last"};
  if (layout == "auto") {
    const double plain = timed_convolution({mode.bf16, false}, dimensions, device);
    const double last = timed_convolution({mode.bf16, true}, dimensions, device);
    mode.channels_last = last * 1.05 < plain;
  }
  if (precision == "auto") {
    const double full = timed_convolution({false, mode.channels_last}, dimensions, device);
    const double half = timed_convolution({true, mode.channels_last}, dimensions, device);
    mode.bf16 = half * 1.3 < full;
  }
  return mode;
}

AutocastGuard::AutocastGuard(const ComputeMode& mode, const at::Device& device)
    : active_(mode.bf16), device_(device.type()) {
  if (active_) {
    previous_ = at::autocast::is_autocast_enabled(device_);
    at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::increment_nesting();
  }
}

AutocastGuard::~AutocastGuard() {
  if (active_) {
    if (at::autocast::decrement_nesting() == 0) {
      at::autocast::clear_cache();
    }
    at::autocast::set_autocast_enabled(device_, previous_);
  }
}

void apply_layout(torch::nn::Module& module, const ComputeMode& mode) {
  const at::NoGradGuard no_grad;
  for (at::Tensor& parameter : module.parameters()) {
    if (parameter.dim() >= 4) {
      parameter.set_data(with_layout(parameter.detach(), mode));
    }
  }
}

at::Tensor with_layout(const at::Tensor& x, const ComputeMode& mode) {
  if (x.dim() < 4) {
    return x;
  }
  if (mode.channels_last && x.size(1) == 1 && x.size(0) > 0) {
    // With one channel both layouts are the same memory, and LibTorch takes it for contiguous:
    // every map after the first convolution would be, too. Strides that only a channels-last tensor
    // has say what is meant.
    std::vector<std::int64_t> strides = x.contiguous().strides().vec();
    strides[1] = 1;
    return x.contiguous().as_strided(x.sizes(), strides);
  }
  return x.contiguous(mode.channels_last ? channels_last_of(x.dim())
                                         : at::MemoryFormat::Contiguous);
}

}  // namespace marrow
