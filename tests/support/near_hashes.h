#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace marrow::testing {

// Words of hashes of `width` words, as archives have them: half of them copies of a few others with
// 0 to 12 flipped bits, some black (all bits 0), the rest random.
inline std::vector<std::uint64_t> near_hashes(std::size_t count,
                                              std::size_t width,
                                              std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> bases((count / 20 + 1) * width);
  for (std::uint64_t& word : bases) {
    word = random();
  }
  std::vector<std::uint64_t> words(count * width);
  for (std::size_t n = 0; n < count; ++n) {
    const std::uint64_t kind = random() % 20;
    const std::size_t base = random() % (count / 20 + 1);
    for (std::size_t word = 0; word < width; ++word) {
      words[n * width + word] = kind < 10 ? bases[base * width + word] : kind < 12 ? 0 : random();
    }
    for (std::uint64_t flips = kind < 12 ? random() % 13 : 0; flips > 0; --flips) {
      const std::uint64_t bit = random() % (64 * width);
      words[n * width + bit / 64] ^= std::uint64_t{1} << (bit % 64);
    }
  }
  return words;
}

}  // namespace marrow::testing
