#pragma once

#include <cstddef>
#include <cstdint>

// What the kernels with vectors have in common, compiled for each of their processors anew: as in
// lanczos_loop.h, it must not be shared between them.
namespace marrow {
namespace {

// Writes first + n to `found` for each bit n that is set, and returns how many are.
inline std::size_t append_matches(std::uint64_t mask, std::size_t first, std::uint32_t* found) {
  std::size_t matches = 0;
  for (; mask != 0; mask &= mask - 1) {
    found[matches++] =
        static_cast<std::uint32_t>(first + static_cast<std::size_t>(__builtin_ctzll(mask)));
  }
  return matches;
}

inline int hamming_words(const std::uint64_t* a, const std::uint64_t* b, std::size_t width) {
  int sum = 0;
  for (std::size_t n = 0; n < width; ++n) {
    sum += __builtin_popcountll(a[n] ^ b[n]);
  }
  return sum;
}

}  // namespace
}  // namespace marrow
