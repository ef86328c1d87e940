#include "volumes/reduction/ssim_loop.h"

namespace marrow {

SsimKernel ssim_kernel_avx2() {
  return {"avx2", sum_similarities};
}

}  // namespace marrow
