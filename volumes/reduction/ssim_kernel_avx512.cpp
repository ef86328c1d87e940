#include "volumes/reduction/ssim_loop.h"

namespace marrow {

SsimKernel ssim_kernel_avx512() {
  return {"avx512", sum_similarities};
}

}  // namespace marrow
