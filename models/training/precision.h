#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace marrow {

// How a network computes: chosen once, stored in every checkpoint, so that a resumed run chooses
// the same.
struct ComputeMode {
  bool bf16 = false;           // autocast to bfloat16; losses and statistics stay float32
  bool channels_last = false;  // memory layout of maps and weights

  [[nodiscard]] std::string name() const;  // "fp32", "fp32+channels_last", "bf16", ...
};

// From name(); throws Error{kInvalidArgument}.
[[nodiscard]] ComputeMode compute_mode_from_name(std::string_view name);

// `precision`: "auto" | "fp32" | "bf16"; `layout`: "auto" | "contiguous" | "channels_last". "auto"
// is decided by the kind of processor and never by a clock, so that a run can be repeated: bfloat16
// where there is a unit that multiplies matrices of it (AMX, a GPU from compute capability 8.0 on),
// and channels-last.
[[nodiscard]] ComputeMode choose_compute_mode(const std::string& precision,
                                              const std::string& layout,
                                              const at::Device& device);

// Autocast while the object lives. The optimizer must step outside of it: the guard keeps bfloat16
// copies of weights.
class AutocastGuard {
 public:
  AutocastGuard(const ComputeMode& mode, const at::Device& device);
  ~AutocastGuard();
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  bool active_ = false;
  bool previous_ = false;
  at::DeviceType device_;
};

// Weights of convolutions into the layout of `mode`, in place. Call before an optimizer is built on
// the module.
void apply_layout(torch::nn::Module& module, const ComputeMode& mode);
[[nodiscard]] at::Tensor with_layout(const at::Tensor& x, const ComputeMode& mode);

}  // namespace marrow
