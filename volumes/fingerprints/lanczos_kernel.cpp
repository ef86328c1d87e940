#include "volumes/fingerprints/lanczos_kernel.h"

namespace marrow {

LanczosDot lanczos_dot() {
#if defined(__x86_64__)
  static const LanczosDot best = __builtin_cpu_supports("x86-64-v4")   ? lanczos_dot_avx512()
                                 : __builtin_cpu_supports("x86-64-v3") ? lanczos_dot_avx2()
                                                                       : lanczos_dot_baseline();
#else
  static const LanczosDot best = lanczos_dot_baseline();
#endif
  return best;
}

}  // namespace marrow
