#include "volumes/reduction/cosine_loop.h"

namespace marrow {

CosineKernel cosine_kernel_avx2() {
  return CosineLoop<32, 6>::kernel("avx2");
}

}  // namespace marrow
