#pragma once

#include <cstdint>

#include "volumes/fingerprints/lanczos_kernel.h"

namespace marrow {
namespace {

// The compiler makes multiply-and-add instructions of pairs of this.
std::int32_t lanczos_dot_loop(const std::int16_t* pixels,
                              const std::int16_t* weights,
                              std::int64_t count) {
  std::int32_t sum = 0;
  for (std::int64_t n = 0; n < count; ++n) {
    sum += static_cast<std::int32_t>(pixels[n]) * weights[n];
  }
  return sum;
}

}  // namespace
}  // namespace marrow
