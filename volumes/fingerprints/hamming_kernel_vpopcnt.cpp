#include <immintrin.h>

#include "volumes/fingerprints/hamming_kernel.h"
#include "volumes/fingerprints/hamming_loop.h"

// As in lanczos_loop.h: nothing here may be a function that another file has, too.
//
// Comparing goes through the one port that counts bits, minima do not: so the least of several
// vectors is compared, and only where it is near enough each of them. What is left at the end is
// taken at once whatever its length: lists of a few values are common, and a mistaken branch costs
// more than comparing 64.
namespace marrow {
namespace {

std::size_t match32(const std::uint32_t* values,
                    std::size_t count,
                    std::uint32_t query,
                    int radius,
                    std::uint32_t* found) {
  const __m512i queries = _mm512_set1_epi32(static_cast<int>(query));
  const __m512i limit = _mm512_set1_epi32(radius);
  const auto distances = [&](__m512i some) {
    return _mm512_popcnt_epi32(_mm512_xor_si512(some, queries));
  };
  std::size_t matches = 0;
  std::size_t first = 0;
  for (; first + 64 <= count; first += 64) {
    const __m512i a = distances(_mm512_loadu_si512(values + first));
    const __m512i b = distances(_mm512_loadu_si512(values + first + 16));
    const __m512i c = distances(_mm512_loadu_si512(values + first + 32));
    const __m512i d = distances(_mm512_loadu_si512(values + first + 48));
    const __m512i least = _mm512_min_epu32(_mm512_min_epu32(a, b), _mm512_min_epu32(c, d));
    if (_mm512_cmple_epu32_mask(least, limit) == 0) {
      continue;
    }
    matches += append_matches(_mm512_cmple_epu32_mask(a, limit), first, found + matches);
    matches += append_matches(_mm512_cmple_epu32_mask(b, limit), first + 16, found + matches);
    matches += append_matches(_mm512_cmple_epu32_mask(c, limit), first + 32, found + matches);
    matches += append_matches(_mm512_cmple_epu32_mask(d, limit), first + 48, found + matches);
  }
  if (first == count) {
    return matches;
  }
  const std::uint64_t there = ~std::uint64_t{0} >> (64 - (count - first));
  const auto near = [&](std::size_t offset) {
    const auto some = static_cast<__mmask16>(there >> offset);
    return std::uint64_t{_mm512_mask_cmple_epu32_mask(
               some, distances(_mm512_maskz_loadu_epi32(some, values + first + offset)), limit)}
           << offset;
  };
  return matches + append_matches(near(0) | near(16) | near(32) | near(48), first, found + matches);
}

std::size_t match64(const std::uint64_t* values,
                    std::size_t count,
                    std::uint64_t query,
                    int radius,
                    std::uint32_t* found) {
  const __m512i queries = _mm512_set1_epi64(static_cast<long long>(query));
  const __m512i limit = _mm512_set1_epi64(radius);
  const auto distances = [&](__m512i some) {
    return _mm512_popcnt_epi64(_mm512_xor_si512(some, queries));
  };
  std::size_t matches = 0;
  std::size_t first = 0;
  for (; first + 32 <= count; first += 32) {
    const __m512i a = distances(_mm512_loadu_si512(values + first));
    const __m512i b = distances(_mm512_loadu_si512(values + first + 8));
    const __m512i c = distances(_mm512_loadu_si512(values + first + 16));
    const __m512i d = distances(_mm512_loadu_si512(values + first + 24));
    // The upper halves are zero, and minima of 64 bits take two steps.
    const __m512i least = _mm512_min_epu32(_mm512_min_epu32(a, b), _mm512_min_epu32(c, d));
    if (_mm512_cmple_epu64_mask(least, limit) == 0) {
      continue;
    }
    matches += append_matches(_mm512_cmple_epu64_mask(a, limit), first, found + matches);
    matches += append_matches(_mm512_cmple_epu64_mask(b, limit), first + 8, found + matches);
    matches += append_matches(_mm512_cmple_epu64_mask(c, limit), first + 16, found + matches);
    matches += append_matches(_mm512_cmple_epu64_mask(d, limit), first + 24, found + matches);
  }
  if (first == count) {
    return matches;
  }
  const std::uint64_t there = ~std::uint64_t{0} >> (64 - (count - first));
  const auto near = [&](std::size_t offset) {
    const auto some = static_cast<__mmask8>(there >> offset);
    return std::uint64_t{_mm512_mask_cmple_epu64_mask(
               some, distances(_mm512_maskz_loadu_epi64(some, values + first + offset)), limit)}
           << offset;
  };
  return matches + append_matches(near(0) | near(8) | near(16) | near(24), first, found + matches);
}

struct Lanes32 {
  using Value = std::uint32_t;
  using Vector = __m512i;
  static constexpr std::size_t kLanes = 16;

  static __m512i load(const Value* values, std::size_t count) {
    return _mm512_maskz_loadu_epi32(static_cast<__mmask16>((1U << count) - 1), values);
  }

  static __m512i distances(__m512i some, Value query) {
    return _mm512_popcnt_epi32(_mm512_xor_si512(some, _mm512_set1_epi32(static_cast<int>(query))));
  }

  static __m512i least(__m512i a, __m512i b) { return _mm512_min_epu32(a, b); }

  static __m512i limit(int radius) { return _mm512_set1_epi32(radius); }

  static std::uint32_t near(__m512i distance, __m512i limit) {
    return _mm512_cmple_epu32_mask(distance, limit);
  }
};

struct Lanes64 {
  using Value = std::uint64_t;
  using Vector = __m512i;
  static constexpr std::size_t kLanes = 8;

  static __m512i load(const Value* values, std::size_t count) {
    return _mm512_maskz_loadu_epi64(static_cast<__mmask8>((1U << count) - 1), values);
  }

  static __m512i distances(__m512i some, Value query) {
    return _mm512_popcnt_epi64(
        _mm512_xor_si512(some, _mm512_set1_epi64(static_cast<long long>(query))));
  }

  // The upper halves are zero.
  static __m512i least(__m512i a, __m512i b) { return _mm512_min_epu32(a, b); }

  static __m512i limit(int radius) { return _mm512_set1_epi64(radius); }

  static std::uint32_t near(__m512i distance, __m512i limit) {
    return _mm512_cmple_epu64_mask(distance, limit);
  }
};

}  // namespace

HammingKernel hamming_kernel_vpopcnt() {
  return {"vpopcnt",
          match32,
          match64,
          match_lanes<Lanes32>,
          match_lanes<Lanes64>,
          hamming_words,
          hamming_words_of_bits};
}

}  // namespace marrow
