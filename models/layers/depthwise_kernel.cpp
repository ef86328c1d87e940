#include "models/layers/depthwise_kernel.h"

namespace marrow {

const DepthwiseKernels& depthwise_kernels() {
  static const DepthwiseKernels kernels =
      __builtin_cpu_supports("x86-64-v4")   ? depthwise_kernels_avx512()
      : __builtin_cpu_supports("x86-64-v3") ? depthwise_kernels_avx2()
                                            : depthwise_kernels_baseline();
  return kernels;
}

}  // namespace marrow
