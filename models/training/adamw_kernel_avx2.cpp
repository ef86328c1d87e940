#include "models/training/adamw_loops.h"

namespace marrow {

AdamWKernels adamw_kernels_avx2() {
  return {adamw_loops<float>(), adamw_loops<double>()};
}

}  // namespace marrow
