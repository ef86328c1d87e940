#pragma once

#include <map>
#include <string>

#include <ATen/core/Tensor.h>

namespace marrow {

// The module of the norm that follows a convolution, by the names of our encoders: "bn1" for
// "conv1", "downsample.1" for "downsample.0", "norm" for "conv"; empty when there is none.
[[nodiscard]] std::string norm_after(const std::string& conv);

// A bias of a convolution that ours has not, before a norm of `values` (tensors by our names): the
// norm takes it out again, by the mean of each sample, or by a running mean that then has to be
// without it, which is changed. Returns what was done, as a phrase; empty when there is no such
// norm.
[[nodiscard]] std::string absorb_bias(const std::string& norm,
                                      const at::Tensor& bias,
                                      std::map<std::string, at::Tensor>& values);

}  // namespace marrow
