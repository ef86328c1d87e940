#pragma once

#include <map>
#include <string>

#include <ATen/core/Tensor.h>

namespace marrow {

// The module of the norm that follows a convolution, by the names of our encoders: "bn1" for
// "conv1", "downsample.1" for "downsample.0", "norm" for "conv"; empty when there is none.
[[nodiscard]] std::string norm_after(const std::string& conv);

// A bias of a convolution that ours has not, before a norm of `values` (tensors by our names): a
// norm with a running mean takes it out again once that mean is without it, so it is changed; a
// norm over the positions of a channel (`centred`: an instance norm) does so by itself. Returns
// what was done, as a phrase; empty when there is no such norm.
[[nodiscard]] std::string absorb_bias(const std::string& norm,
                                      const at::Tensor& bias,
                                      bool centred,
                                      std::map<std::string, at::Tensor>& values);

}  // namespace marrow
