#include "volumes/reduction/cosine_loop.h"

namespace marrow {

CosineKernel cosine_kernel_baseline() {
  return CosineLoop<16, 4>::kernel("baseline");
}

}  // namespace marrow
