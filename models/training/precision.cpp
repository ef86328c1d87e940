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

// A forward and backward pass of one middling convolution, again and again.
class TimedConvolution {
 public:
  TimedConvolution(const ComputeMode& mode, int dimensions, const at::Device& device)
      : mode_(mode), device_(device), axes_(static_cast<std::size_t>(dimensions)) {
    std::vector<std::int64_t> image = {2, 32};
    image.insert(image.end(), axes_, dimensions == 3 ? 16 : 64);
    std::vector<std::int64_t> kernel = {32, 32};
    kernel.insert(kernel.end(), axes_, 3);
    const at::TensorOptions options = at::TensorOptions().device(device);
    x_ = with_layout(at::ones(image, options), mode).requires_grad_();
    w_ = with_layout(at::ones(kernel, options), mode).requires_grad_();
  }

  // Emulated arithmetic can be a hundred times slower: no need to know how slow exactly.
  void run() {
    if (best_ > kHopeless && runs_ > 0) {
      return;
    }
    const std::vector<std::int64_t> one(axes_, 1);
    const auto start = std::chrono::steady_clock::now();
    at::Tensor total;
    {
      const AutocastGuard guard(mode_, device_);
      total =
          (axes_ == 3 ? at::conv3d(x_, w_, {}, one, one) : at::conv2d(x_, w_, {}, one, one)).sum();
    }
    total.backward();
    static_cast<void>(x_.grad().sum().item<float>());  // waits for a GPU
    best_ = std::min(
        best_, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    ++runs_;
  }

  [[nodiscard]] double best() const { return best_; }

 private:
  static constexpr double kHopeless = 0.25;

  ComputeMode mode_;
  at::Device device_;
  std::size_t axes_;
  at::Tensor x_;
  at::Tensor w_;
  double best_ = 1e9;
  int runs_ = 0;
};

// Seconds in one mode over seconds in the other, the best of several turns each: other work on the
// machine disturbs both.
double time_ratio(const ComputeMode& a,
                  const ComputeMode& b,
                  int dimensions,
                  const at::Device& device) {
  TimedConvolution first(a, dimensions, device);
  TimedConvolution second(b, dimensions, device);
  for (int turn = 0; turn < 6; ++turn) {
    first.run();
    second.run();
  }
  return first.best() / second.best();
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
    mode.channels_last =
        time_ratio({mode.bf16, true}, {mode.bf16, false}, dimensions, device) < 0.95;
  }
  if (precision == "auto") {
    mode.bf16 =
        time_ratio({true, mode.channels_last}, {false, mode.channels_last}, dimensions, device) <
        0.77;
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
