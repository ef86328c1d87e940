#include "models/layers/depthwise_loops.h"

namespace marrow {

DepthwiseKernels depthwise_kernels_avx512() {
  return {DepthwiseLoops<float>::table(), DepthwiseLoops<std::uint16_t>::table()};
}

}  // namespace marrow
