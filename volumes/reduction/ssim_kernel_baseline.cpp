#include "volumes/reduction/ssim_loop.h"

namespace marrow {

SsimKernel ssim_kernel_baseline() {
  return {"baseline", sum_similarities};
}

}  // namespace marrow
