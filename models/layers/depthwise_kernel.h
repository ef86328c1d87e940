#pragma once

#include <cstdint>

namespace marrow {

constexpr std::int64_t kDepthwiseLanes = 16;  // channels that a kernel call works on, at most

// Channels-last maps [batch, depth, height, width, channels] under a depth-wise convolution with
// stride 1 that keeps their size. Free of torch.
struct DepthwiseShape {
  std::int64_t batch = 0;
  std::int64_t depth = 1;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;      // values between neighbouring voxels
  std::int64_t kernel_depth = 1;  // odd
  std::int64_t kernel = 1;        // odd, of height and width
  std::int64_t lanes = 0;         // channels to work on, 1 to kDepthwiseLanes
};

// T: float, or std::uint16_t for bfloat16, whose bits it is.
template <class T>
struct DepthwiseKernel {
  // The gradient of the weights [tap_depth, :, :] of some channels: for each tap the sum over
  // voxels of x at the tap times dy. x, dy: first voxel, first of these channels. sums: [kernel *
  // kernel, kDepthwiseLanes], added to.
  void (*weight_gradient)(
      const DepthwiseShape& s, std::int64_t tap_depth, const T* x, const T* dy, double* sums);
};

struct DepthwiseKernels {
  DepthwiseKernel<float> of_float;
  DepthwiseKernel<std::uint16_t> of_bfloat16;
};

// The widest that this processor runs.
[[nodiscard]] const DepthwiseKernels& depthwise_kernels();

// By processor: x86-64 as such, with AVX2 and FMA, with AVX-512.
[[nodiscard]] DepthwiseKernels depthwise_kernels_baseline();
[[nodiscard]] DepthwiseKernels depthwise_kernels_avx2();
[[nodiscard]] DepthwiseKernels depthwise_kernels_avx512();

}  // namespace marrow
