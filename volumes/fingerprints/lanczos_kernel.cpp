#include "volumes/fingerprints/lanczos_kernel.h"

namespace marrow {

std::vector<LanczosRows> runnable_lanczos_rows() {
  std::vector<LanczosRows> all{lanczos_rows_baseline()};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v3")) {
    all.push_back(lanczos_rows_avx2());
  }
  if (__builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512vnni")) {
    all.push_back(lanczos_rows_vnni());
  }
#endif
  return all;
}

LanczosRows lanczos_rows() {
  static const LanczosRows best = runnable_lanczos_rows().back();
  return best;
}

}  // namespace marrow
