#include "models/layers/token_kernel.h"

namespace marrow {

const TokenKernels& token_kernels() {
  static const TokenKernels kernels = __builtin_cpu_supports("x86-64-v4") ? token_kernels_avx512()
                                      : __builtin_cpu_supports("x86-64-v3")
                                          ? token_kernels_avx2()
                                          : token_kernels_baseline();
  return kernels;
}

}  // namespace marrow
