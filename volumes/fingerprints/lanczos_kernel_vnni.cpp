#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include <immintrin.h>

#include "volumes/fingerprints/lanczos_kernel.h"

// Like lanczos_loop.h, with instructions that multiply 64 pixels with 64 bytes of weights at once.
// It is compiled for other processors than the rest of the program: nothing here may be shared.
namespace marrow {
namespace {

constexpr std::int64_t kRows = 8;        // at a time: two sums each fill half the registers
constexpr std::int64_t kLineBytes = 64;  // of a cache
constexpr std::align_val_t kAligned{kLineBytes};

// The eight sums of the sixteen numbers of each.
__m256i across(const __m512i (&parts)[kRows]) {
  const auto pair = [](__m512i a, __m512i b) {
    return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  };
  const auto pair_of_pairs = [](__m512i a, __m512i b) {
    return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
  };
  const __m512i front = pair_of_pairs(pair(parts[0], parts[1]), pair(parts[2], parts[3]));
  const __m512i back = pair_of_pairs(pair(parts[4], parts[5]), pair(parts[6], parts[7]));
  const __m512i halves = _mm512_add_epi32(_mm512_shuffle_i64x2(front, back, 0x44),
                                          _mm512_shuffle_i64x2(front, back, 0xEE));
  const __m256i low = _mm512_castsi512_si256(halves);
  const __m256i high = _mm512_extracti64x4_epi64(halves, 1);
  return _mm256_add_epi32(_mm256_permute2x128_si256(low, high, 0x20),
                          _mm256_permute2x128_si256(low, high, 0x31));
}

// Of eight rows of pixels, `stride` apart.
[[gnu::always_inline]] inline __m256i coarse_sums(const LanczosTaps& taps,
                                                  const std::uint8_t* pixels,
                                                  std::int64_t stride) {
  __m512i high[kRows], low[kRows];
#pragma GCC unroll 8
  for (std::int64_t row = 0; row < kRows; ++row) {
    high[row] = low[row] = _mm512_setzero_si512();
  }
  const std::int8_t* const high_weights = taps.high.data();
  const std::int8_t* const low_weights = taps.low.data();
  for (std::int64_t n = 0; n < taps.count; n += kLanczosVector) {
    const __m512i by_high = _mm512_loadu_si512(high_weights + n);
    const __m512i by_low = _mm512_loadu_si512(low_weights + n);
#pragma GCC unroll 8
    for (std::int64_t row = 0; row < kRows; ++row) {
      const __m512i some = _mm512_loadu_si512(pixels + row * stride + n);
      high[row] = _mm512_dpbusd_epi32(high[row], some, by_high);
      low[row] = _mm512_dpbusd_epi32(low[row], some, by_low);
    }
  }
#pragma GCC unroll 8
  for (std::int64_t row = 0; row < kRows; ++row) {
    low[row] = _mm512_add_epi32(low[row], _mm512_slli_epi32(high[row], 8));
  }
  return across(low);
}

std::int32_t fine_sum(const LanczosTaps& taps, const std::uint8_t* pixels) {
  __m512i sum = _mm512_setzero_si512();
  const std::int8_t* const weights = taps.fine.data();
  for (std::int64_t n = 0; n < taps.count; n += kLanczosVector) {
    sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(pixels + n), _mm512_loadu_si512(weights + n));
  }
  return _mm512_reduce_add_epi32(sum);
}

__m256i rounded(__m256i sums) {
  const __m256i half = _mm256_set1_epi32(1 << (kLanczosWeightBits - 1));
  const __m256i whole = _mm256_srai_epi32(_mm256_add_epi32(sums, half), kLanczosWeightBits);
  return _mm256_min_epi32(_mm256_max_epi32(whole, _mm256_setzero_si256()), _mm256_set1_epi32(255));
}

// Writes the pixels of those rows that `rows` has a bit for, by their exact sums.
void write_exact(const LanczosTaps& taps,
                 const std::uint8_t* pixels,
                 std::int64_t stride,
                 __m256i sums,
                 unsigned rows,
                 std::uint8_t* out) {
  alignas(32) std::int32_t coarse[kRows];
  _mm256_store_si256(reinterpret_cast<__m256i*>(coarse), sums);
  for (; rows != 0; rows &= rows - 1) {
    const int row = __builtin_ctz(rows);
    const std::int32_t sum = coarse[row] + fine_sum(taps, pixels + row * stride);
    const std::int32_t whole = (sum + (1 << (kLanczosWeightBits - 1))) >> kLanczosWeightBits;
    out[row] = static_cast<std::uint8_t>(whole < 0 ? 0 : whole > 255 ? 255 : whole);
  }
}

// Asks for `count` bytes that will be read soon; returns where to go on.
const std::uint8_t* fetch(const std::uint8_t* from, const std::uint8_t* end, std::int64_t count) {
  const std::uint8_t* const stop = end - from > count ? from + count : end;
  for (const std::uint8_t* line = from; line < stop; line += kLineBytes) {
    _mm_prefetch(line, _MM_HINT_T0);
  }
  return stop;
}

void shrink_rows(const LanczosPlan& plan,
                 const std::uint8_t* picture,
                 std::int64_t rows,
                 std::uint8_t* out) {
  // Behind each row lie bytes that the last vector may reach; their weights are zero.
  const std::int64_t stride = (plan.length / kLanczosVector + 2) * kLanczosVector;
  const auto bytes = static_cast<std::size_t>(stride * kRows);
  auto* const block = static_cast<std::uint8_t*>(::operator new(bytes, kAligned));
  std::memset(block, 0, bytes);
  const LanczosTaps* const outputs = plan.outputs.data();
  const auto count = static_cast<std::int64_t>(plan.outputs.size());
  const __m256i step = _mm256_set1_epi32(plan.step);
  const std::uint8_t* const end = picture + rows * plan.length;
  // While an output is summed up, its share of the next rows comes from memory: a sixth faster
  // where pictures lie in no near cache.
  const std::int64_t ahead = (kRows * plan.length / count / kLineBytes + 1) * kLineBytes;
  for (std::int64_t y = 0; y < rows; y += kRows) {
    const std::int64_t here = rows - y < kRows ? rows - y : kRows;
    for (std::int64_t row = 0; row < here; ++row) {
      std::memcpy(block + row * stride,
                  picture + (y + row) * plan.length,
                  static_cast<std::size_t>(plan.length));
    }
    const std::uint8_t* next = picture + (y + here) * plan.length;
    const auto live = static_cast<__mmask8>((1U << here) - 1U);
    for (std::int64_t n = 0; n < count; ++n) {
      const LanczosTaps& taps = outputs[n];
      const std::uint8_t* const pixels = block + taps.first;
      next = fetch(next, end, ahead);
      const __m256i sums = _mm256_mullo_epi32(coarse_sums(taps, pixels, stride), step);
      const __m256i below = rounded(_mm256_add_epi32(sums, _mm256_set1_epi32(taps.most_below)));
      const __m256i above = rounded(_mm256_add_epi32(sums, _mm256_set1_epi32(taps.most_above)));
      std::uint8_t* const values = out + n * rows + y;
      _mm256_mask_cvtepi32_storeu_epi8(values, live, below);
      // Where the two agree, so does the exact sum, which lies between.
      const unsigned open = _mm256_mask_cmpneq_epi32_mask(live, below, above);
      if (open != 0) {
        write_exact(taps, pixels, stride, sums, open, values);
      }
    }
  }
  ::operator delete(block, kAligned);
}

}  // namespace

LanczosRows lanczos_rows_vnni() {
  return shrink_rows;
}

}  // namespace marrow
