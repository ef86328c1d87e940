#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace marrow {

// Stochastic depth: in training the residual branch of each sample is left out with probability
// `rate` and otherwise divided by 1 - rate, so that its expectation stays. One draw per sample from
// the default generator of the branch's device. Returns `branch` itself in eval mode or at rate 0,
// and then draws nothing.
//
// branch: [B, ...] of any floating type; what is left out is exactly 0, even where it is not
// finite. rate in [0, 1), else Error{kInvalidArgument}.
//
// Source: Huang et al. 2016 (Deep Networks with Stochastic Depth), scaled in training as in timm.
[[nodiscard]] at::Tensor drop_path(const at::Tensor& branch, double rate, bool training);

// The rate of residual block `block` (from 0) of `blocks`: rises linearly from 0 in the first block
// to `last` in the last one, as in timm; 0 when there is only one.
[[nodiscard]] double drop_path_rate(double last, std::int64_t block, std::int64_t blocks);

}  // namespace marrow
