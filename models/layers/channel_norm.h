#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace marrow {

class Visibility;

// Layer norm over the channels of each position: every position is standardised by the mean and the
// biased variance of its own channels, then scaled and shifted per channel.
//
// x: [B, C, spatial...]; weight, bias: [C]. `visible` null: all positions; else hidden ones are
// neither read nor written: exactly 0 in the output. Returns x's type; computed in that of `weight`
// and kept in float32 where x is bfloat16. Fastest on channels-last maps.
//
// Source: Ba et al. 2016; over the channels of a position as in ConvNeXt (Liu et al. 2022).
[[nodiscard]] at::Tensor channel_norm(const at::Tensor& x,
                                      const at::Tensor& weight,
                                      const at::Tensor& bias,
                                      const Visibility* visible,
                                      double eps);

// Group norm: mean and biased variance over each of `groups` runs of neighbouring channels of a
// sample and all its visible positions. Arguments and result as above; `groups` must divide C.
//
// Source: Wu and He 2018.
[[nodiscard]] at::Tensor group_norm(const at::Tensor& x,
                                    const at::Tensor& weight,
                                    const at::Tensor& bias,
                                    const Visibility* visible,
                                    std::int64_t groups,
                                    double eps);

}  // namespace marrow
