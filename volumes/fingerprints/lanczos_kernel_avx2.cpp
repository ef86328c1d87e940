#include <immintrin.h>

#include "volumes/fingerprints/lanczos_loop.h"

namespace marrow {
namespace {

// By hand: the compiler adds up each row's vector alone, which takes longer than the products.
LoopSums dots(const std::int16_t* pixels,
              std::int64_t stride,
              const std::int16_t* weights,
              std::int64_t padded) {
  __m256i parts[kLoopRows];
#pragma GCC unroll 8
  for (std::int64_t row = 0; row < kLoopRows; ++row) {
    parts[row] = _mm256_setzero_si256();
  }
  for (std::int64_t n = 0; n < padded; n += kLoopVector) {
    const __m256i weight = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights + n));
#pragma GCC unroll 8
    for (std::int64_t row = 0; row < kLoopRows; ++row) {
      const auto* const some = reinterpret_cast<const __m256i*>(pixels + row * stride + n);
      parts[row] =
          _mm256_add_epi32(parts[row], _mm256_madd_epi16(_mm256_loadu_si256(some), weight));
    }
  }
  // Neighbours are added until each half holds a share of the sums of four rows, in order.
  const auto four = [](__m256i a, __m256i b, __m256i c, __m256i d) {
    return _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
  };
  const __m256i front = four(parts[0], parts[1], parts[2], parts[3]);
  const __m256i back = four(parts[4], parts[5], parts[6], parts[7]);
  LoopSums sums;
  _mm256_store_si256(reinterpret_cast<__m256i*>(sums.of),
                     _mm256_add_epi32(_mm256_permute2x128_si256(front, back, 0x20),
                                      _mm256_permute2x128_si256(front, back, 0x31)));
  return sums;
}

}  // namespace

LanczosRows lanczos_rows_avx2() {
  return lanczos_rows_loop<dots>;
}

}  // namespace marrow
