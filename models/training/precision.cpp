#include "models/training/precision.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/cpu/Utils.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include "core/error.h"

namespace marrow {

namespace {

at::MemoryFormat channels_last_of(std::int64_t rank) {
  return rank == 5 ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::ChannelsLast;
}

// Whether `device` multiplies matrices of bfloat16 in hardware. Instructions for it without such a
// unit (AVX512-BF16 alone) do not pay: docs/benchmarks.md.
bool multiplies_bf16(const at::Device& device) {
  return device.is_cuda() ? at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8()
                          : at::cpu::init_amx();
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
                                const at::Device& device) {
  return {.bf16 = precision == "bf16" || (precision == "auto" && multiplies_bf16(device)),
          .channels_last = layout != "contiguous"};
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
