#pragma once

#include <ATen/core/Tensor.h>

namespace marrow {

// Depth-wise convolution in 2D or 3D with stride 1 and a padding that keeps the size.
//
// x: [B, C, spatial...]; weight: [C, 1, k...], k odd; bias: [C]. The value is LibTorch's. On the
// CPU in float32 and bfloat16 the gradients are computed here: oneDNN, which does it otherwise,
// takes 10 to 100 times as long as for the value. That of x is the convolution of dy with the
// mirrored weights, that of the weights a vectorised sum over voxels (products in float32, rows
// added in double), whose bits do not depend on the number of threads. Not differentiable twice
// there.
[[nodiscard]] at::Tensor depthwise_conv(const at::Tensor& x,
                                        const at::Tensor& weight,
                                        const at::Tensor& bias);

}  // namespace marrow
