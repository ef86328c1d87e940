#include <immintrin.h>

#include "volumes/fingerprints/hamming_kernel.h"
#include "volumes/fingerprints/hamming_loop.h"

// As in lanczos_loop.h: nothing here may be a function that another file has, too.
namespace marrow {
namespace {

// The number of bits of every byte, by looking up both of its halves (Mula et al. 2018).
__m256i bits_of_bytes(__m256i bytes) {
  const __m256i low = _mm256_set1_epi8(15);
  const __m256i table =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  return _mm256_add_epi8(
      _mm256_shuffle_epi8(table, _mm256_and_si256(bytes, low)),
      _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low)));
}

__m256i load(const void* values) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(values));
}

__m256i distances32(__m256i values, __m256i query) {
  const __m256i bytes = bits_of_bytes(_mm256_xor_si256(values, query));
  const __m256i pairs = _mm256_maddubs_epi16(bytes, _mm256_set1_epi8(1));
  return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

// In 64-bit fields, whose upper halves are zero.
__m256i distances64(__m256i values, __m256i query) {
  return _mm256_sad_epu8(bits_of_bytes(_mm256_xor_si256(values, query)), _mm256_setzero_si256());
}

std::size_t match32(const std::uint32_t* values,
                    std::size_t count,
                    std::uint32_t query,
                    int radius,
                    std::uint32_t* found) {
  const __m256i queries = _mm256_set1_epi32(static_cast<int>(query));
  const __m256i limit = _mm256_set1_epi32(radius + 1);
  std::size_t matches = 0;
  std::size_t first = 0;
  for (; first + 32 <= count; first += 32) {
    __m256i counts[4];
    for (std::size_t n = 0; n < 4; ++n) {
      counts[n] = distances32(load(values + first + 8 * n), queries);
    }
    const __m256i least = _mm256_min_epi32(_mm256_min_epi32(counts[0], counts[1]),
                                           _mm256_min_epi32(counts[2], counts[3]));
    if (_mm256_movemask_epi8(_mm256_cmpgt_epi32(limit, least)) == 0) {
      continue;
    }
    for (std::size_t n = 0; n < 4; ++n) {
      const __m256 near = _mm256_castsi256_ps(_mm256_cmpgt_epi32(limit, counts[n]));
      matches += append_matches(
          static_cast<std::uint32_t>(_mm256_movemask_ps(near)), first + 8 * n, found + matches);
    }
  }
  for (; first < count; ++first) {
    found[matches] = static_cast<std::uint32_t>(first);
    matches += __builtin_popcount(values[first] ^ query) <= radius ? 1U : 0U;
  }
  return matches;
}

std::size_t match64(const std::uint64_t* values,
                    std::size_t count,
                    std::uint64_t query,
                    int radius,
                    std::uint32_t* found) {
  const __m256i queries = _mm256_set1_epi64x(static_cast<long long>(query));
  const __m256i limit = _mm256_set1_epi64x(radius + 1);
  std::size_t matches = 0;
  std::size_t first = 0;
  for (; first + 16 <= count; first += 16) {
    __m256i counts[4];
    for (std::size_t n = 0; n < 4; ++n) {
      counts[n] = distances64(load(values + first + 4 * n), queries);
    }
    const __m256i least = _mm256_min_epi32(_mm256_min_epi32(counts[0], counts[1]),
                                           _mm256_min_epi32(counts[2], counts[3]));
    if (_mm256_movemask_epi8(_mm256_cmpgt_epi64(limit, least)) == 0) {
      continue;
    }
    for (std::size_t n = 0; n < 4; ++n) {
      const __m256d near = _mm256_castsi256_pd(_mm256_cmpgt_epi64(limit, counts[n]));
      matches += append_matches(
          static_cast<std::uint32_t>(_mm256_movemask_pd(near)), first + 4 * n, found + matches);
    }
  }
  for (; first < count; ++first) {
    found[matches] = static_cast<std::uint32_t>(first);
    matches += __builtin_popcountll(values[first] ^ query) <= radius ? 1U : 0U;
  }
  return matches;
}

// All bits set in the first `count` fields of 32 bits.
__m256i first_fields(std::size_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

struct Lanes32 {
  using Value = std::uint32_t;
  using Vector = __m256i;
  static constexpr std::size_t kLanes = 8;

  static __m256i load(const Value* values, std::size_t count) {
    return _mm256_maskload_epi32(reinterpret_cast<const int*>(values), first_fields(count));
  }

  static __m256i distances(__m256i some, Value query) {
    return distances32(some, _mm256_set1_epi32(static_cast<int>(query)));
  }

  static __m256i least(__m256i a, __m256i b) { return _mm256_min_epi32(a, b); }

  static __m256i limit(int radius) { return _mm256_set1_epi32(radius + 1); }

  static std::uint32_t near(__m256i distance, __m256i limit) {
    return static_cast<std::uint32_t>(
        _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(limit, distance))));
  }
};

struct Lanes64 {
  using Value = std::uint64_t;
  using Vector = __m256i;
  static constexpr std::size_t kLanes = 4;

  static __m256i load(const Value* values, std::size_t count) {
    return _mm256_maskload_epi32(reinterpret_cast<const int*>(values), first_fields(2 * count));
  }

  static __m256i distances(__m256i some, Value query) {
    return distances64(some, _mm256_set1_epi64x(static_cast<long long>(query)));
  }

  // The upper halves are zero.
  static __m256i least(__m256i a, __m256i b) { return _mm256_min_epi32(a, b); }

  static __m256i limit(int radius) { return _mm256_set1_epi64x(radius + 1); }

  static std::uint32_t near(__m256i distance, __m256i limit) {
    return static_cast<std::uint32_t>(
        _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(limit, distance))));
  }
};

}  // namespace

HammingKernel hamming_kernel_avx2() {
  return {"avx2",
          match32,
          match64,
          match_lanes<Lanes32>,
          match_lanes<Lanes64>,
          hamming_words,
          hamming_words_of_bits};
}

}  // namespace marrow
