#pragma once

#include <ATen/core/Tensor.h>

namespace marrow {

// Cuts images into cubes (squares) of side `patch`: [B, C, D, H, W] -> [B, L, patch^3 * C], channel
// last inside a patch (pd, ph, pw, c), patches in order (d, h, w); 2D likewise. Every size must be
// a multiple of `patch`.
[[nodiscard]] at::Tensor patchify(const at::Tensor& x, std::int64_t patch);
// The inverse; `grid` is the number of patches per spatial axis.
[[nodiscard]] at::Tensor unpatchify(const at::Tensor& patches,
                                    at::IntArrayRef grid,
                                    std::int64_t patch,
                                    std::int64_t channels);

}  // namespace marrow
