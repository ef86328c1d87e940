#include "volumes/reduction/cosine_kernel.h"

#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace marrow {

namespace {

// Tiles are state that a program has to ask the system for, once.
bool has_tiles() {
#if defined(__x86_64__) && defined(__linux__)
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  constexpr unsigned kBfloat16 = 1U << 22U;
  constexpr unsigned kTiles = 1U << 24U;
  if (!__builtin_cpu_supports("x86-64-v4") || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 ||
      (d & kBfloat16) == 0 || (d & kTiles) == 0) {
    return false;
  }
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

}  // namespace

bool runs_cosine_kernel(const CosineKernel& kernel) {
  const std::string_view name = kernel.name;
#if defined(__x86_64__)
  static const bool tiles = has_tiles();
  return name == "baseline" || (name == "avx2" && __builtin_cpu_supports("x86-64-v3")) ||
         (name == "avx512" && __builtin_cpu_supports("x86-64-v4")) || (name == "amx" && tiles);
#else
  return name == "baseline";
#endif
}

const CosineKernel& best_cosine_kernel() {
  static const CosineKernel best = [] {
#if defined(__x86_64__)
    for (const CosineKernel& kernel :
         {cosine_kernel_amx(), cosine_kernel_avx512(), cosine_kernel_avx2()}) {
      if (runs_cosine_kernel(kernel)) {
        return kernel;
      }
    }
#endif
    return cosine_kernel_baseline();
  }();
  return best;
}

}  // namespace marrow
