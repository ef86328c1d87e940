#include "models/layers/norm_act_kernel.h"

namespace marrow {

const NormActKernels& norm_act_kernels() {
  static const NormActKernels kernels =
      __builtin_cpu_supports("x86-64-v4")   ? norm_act_kernels_avx512()
      : __builtin_cpu_supports("x86-64-v3") ? norm_act_kernels_avx2()
                                            : norm_act_kernels_baseline();
  return kernels;
}

}  // namespace marrow
