#include "models/layers/token_loops.h"

namespace marrow {

TokenKernels token_kernels_baseline() {
  return {TokenLoops<float>::table(), TokenLoops<std::uint16_t>::table()};
}

}  // namespace marrow
