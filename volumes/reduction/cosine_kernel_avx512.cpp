#include "volumes/reduction/cosine_loop.h"

namespace marrow {

CosineKernel cosine_kernel_avx512() {
  return CosineLoop<64, 12>::kernel("avx512");
}

}  // namespace marrow
