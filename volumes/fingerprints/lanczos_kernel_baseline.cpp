#include "volumes/fingerprints/lanczos_loop.h"

namespace marrow {
namespace {

// The compiler makes multiply-and-add instructions for pairs out of this.
void dots_of_four(const std::int16_t* pixels,
                  std::int64_t stride,
                  const std::int16_t* weights,
                  std::int64_t padded,
                  std::int32_t* sums) {
  const std::int16_t* const b = pixels + stride;
  const std::int16_t* const c = b + stride;
  const std::int16_t* const d = c + stride;
  std::int32_t sum_a = 0, sum_b = 0, sum_c = 0, sum_d = 0;
  for (std::int64_t n = 0; n < padded / kLoopVector * kLoopVector; ++n) {
    const std::int32_t weight = weights[n];
    sum_a += pixels[n] * weight;
    sum_b += b[n] * weight;
    sum_c += c[n] * weight;
    sum_d += d[n] * weight;
  }
  sums[0] = sum_a;
  sums[1] = sum_b;
  sums[2] = sum_c;
  sums[3] = sum_d;
}

LoopSums dots(const std::int16_t* pixels,
              std::int64_t stride,
              const std::int16_t* weights,
              std::int64_t padded) {
  LoopSums sums;
  dots_of_four(pixels, stride, weights, padded, sums.of);
  dots_of_four(pixels + 4 * stride, stride, weights, padded, sums.of + 4);
  return sums;
}

}  // namespace

LanczosRows lanczos_rows_baseline() {
  return lanczos_rows_loop<dots>;
}

}  // namespace marrow
