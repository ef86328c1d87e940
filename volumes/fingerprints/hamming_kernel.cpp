#include "volumes/fingerprints/hamming_kernel.h"

#include <vector>

namespace marrow {

std::span<const HammingKernel> hamming_kernels() {
  static const std::vector<HammingKernel> kKernels = [] {
    std::vector<HammingKernel> runs;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512vpopcntdq")) {
      runs.push_back(hamming_kernel_vpopcnt());
    }
    if (__builtin_cpu_supports("x86-64-v3")) {
      runs.push_back(hamming_kernel_avx2());
    }
#endif
    runs.push_back(hamming_kernel_baseline());
    return runs;
  }();
  return kKernels;
}

}  // namespace marrow
