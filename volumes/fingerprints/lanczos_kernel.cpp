#include "volumes/fingerprints/lanczos_kernel.h"

namespace marrow {

LanczosRows lanczos_rows() {
#if defined(__x86_64__)
  static const LanczosRows best = __builtin_cpu_supports("x86-64-v4")   ? lanczos_rows_avx512()
                                  : __builtin_cpu_supports("x86-64-v3") ? lanczos_rows_avx2()
                                                                        : lanczos_rows_baseline();
#else
  static const LanczosRows best = lanczos_rows_baseline();
#endif
  return best;
}

}  // namespace marrow
