#include "models/training/adamw_kernel.h"

namespace marrow {

const AdamWKernels& adamw_kernels() {
  static const AdamWKernels kernels = __builtin_cpu_supports("x86-64-v4") ? adamw_kernels_avx512()
                                      : __builtin_cpu_supports("x86-64-v3")
                                          ? adamw_kernels_avx2()
                                          : adamw_kernels_baseline();
  return kernels;
}

}  // namespace marrow
