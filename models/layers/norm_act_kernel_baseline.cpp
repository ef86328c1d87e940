#include "models/layers/norm_act_loops.h"

namespace marrow {

NormActKernels norm_act_kernels_baseline() {
  return {NormActLoops<float>::table(), NormActLoops<std::uint16_t>::table()};
}

}  // namespace marrow
