#pragma once

#include <cstdint>
#include <limits>

namespace marrow {

// The raw loops of norm_act over one sample and a group of channels; the layout is told by two
// strides, so that one body serves contiguous [C, V] and channels-last [V, C] memory. Free of
// torch. Values are float, or bfloat16 given as its bits; statistics are float, sums double.
struct NormActShape {
  std::int64_t voxels = 0;
  std::int64_t channels = 0;                           // of this group; at most 16
  std::int64_t voxel_stride = 0;                       // values between voxels
  std::int64_t channel_stride = 0;                     // values between channels; 1: channels-last
  const bool* visible = nullptr;                       // [voxels], or null
  float slope = 0.01F;                                 // of the activation's negative side
  float cap = std::numeric_limits<float>::infinity();  // its upper end
};

// T: float, or std::uint16_t for bfloat16.
template <class T>
struct NormActKernel {
  // Per channel the sum over visible voxels of x, or, with centres [channels], of (x - centre)^2.
  void (*sums)(const NormActShape& s, const T* x, const float* centre, double* sum);
  // y = activation(x * scale + shift + residual), 0 at hidden voxels. scale, shift: [channels];
  // residual may be null.
  void (*apply)(const NormActShape& s,
                const T* x,
                const float* scale,
                const float* shift,
                const T* residual,
                T* y);
  // With d the gradient before the activation: sum of d and of d * (x - mean) * rstd per channel.
  void (*backward_sums)(const NormActShape& s,
                        const T* dy,
                        const T* x,
                        const T* y,
                        const float* mean,
                        const float* rstd,
                        double* sum,
                        double* dot);
  // dx = a * d + b * x + k and dresidual = d (may be null), 0 at hidden voxels. a, b, k:
  // [channels].
  void (*backward_apply)(const NormActShape& s,
                         const T* dy,
                         const T* x,
                         const T* y,
                         const float* a,
                         const float* b,
                         const float* k,
                         T* dx,
                         T* dresidual);
};

struct NormActKernels {
  NormActKernel<float> of_float;
  NormActKernel<std::uint16_t> of_bfloat16;
};

// The widest that this processor runs.
[[nodiscard]] const NormActKernels& norm_act_kernels();

// By processor: x86-64 as such, with AVX2 and FMA, with AVX-512.
[[nodiscard]] NormActKernels norm_act_kernels_baseline();
[[nodiscard]] NormActKernels norm_act_kernels_avx2();
[[nodiscard]] NormActKernels norm_act_kernels_avx512();

}  // namespace marrow
