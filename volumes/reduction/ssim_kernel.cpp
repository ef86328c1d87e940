#include "volumes/reduction/ssim_kernel.h"

#include <vector>

namespace marrow {

std::span<const SsimKernel> ssim_kernels() {
  static const std::vector<SsimKernel> kKernels = [] {
    std::vector<SsimKernel> runs;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("x86-64-v4")) {
      runs.push_back(ssim_kernel_avx512());
    }
    if (__builtin_cpu_supports("x86-64-v3")) {
      runs.push_back(ssim_kernel_avx2());
    }
#endif
    runs.push_back(ssim_kernel_baseline());
    return runs;
  }();
  return kKernels;
}

}  // namespace marrow
