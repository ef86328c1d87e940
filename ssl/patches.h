#pragma once

#include <ATen/core/Tensor.h>

namespace marrow {

// Cuts images into boxes of size `patch` (one number per spatial axis, or one for all): [B, C, D,
// H, W] -> [B, L, pd * ph * pw * C], channel last inside a patch (pd, ph, pw, c), patches in order
// (d, h, w); 2D likewise. Every size must be a multiple of the patch.
[[nodiscard]] at::Tensor patchify(const at::Tensor& x, at::IntArrayRef patch);
// The inverse; `grid` is the number of patches per spatial axis.
[[nodiscard]] at::Tensor unpatchify(const at::Tensor& patches,
                                    at::IntArrayRef grid,
                                    at::IntArrayRef patch,
                                    std::int64_t channels);

}  // namespace marrow
