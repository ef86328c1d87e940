#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace marrow {

// Some bits of a hash that are searched for as a key: two hashes within the radius have keys within
// `radius` of each other in at least one chunk.
struct HammingChunk {
  int bits = 0;
  int radius = 0;
  std::vector<std::uint64_t> taken;  // the bits of a hash that are its key
  std::vector<std::uint32_t> masks;  // every difference of two keys within `radius`, ascending
  std::vector<std::uint32_t> table;  // the key's share of each value of each byte of the hash

  // Linear: the key of a ^ b is the key of a ^ the key of b.
  [[nodiscard]] std::uint32_t key(const std::uint64_t* hash, std::size_t width) const {
    std::uint32_t sum = 0;
    const std::uint32_t* share = table.data();
    for (std::size_t word = 0; word < width; ++word) {
      for (std::uint64_t left = hash[word], byte = 0; byte < 8; ++byte, left >>= 8U) {
        sum ^= share[left & 255U];
        share += 256;
      }
    }
    return sum;
  }
};

// Whether shortening a hash to 32 bits for a first comparison (folded_hash) still tells unrelated
// ones apart, or 64 are needed.
[[nodiscard]] constexpr bool hamming_short_prints(int radius) {
  return radius <= 10;
}

enum class HammingUse {
  kSearch,  // each of other hashes is looked up
  kJoin,    // the hashes are compared with themselves, list by list
};

// The chunks that make finding all within `radius` (0 or more) among `count` unrelated hashes of
// `width` words cheapest, by an estimate: with m chunks, r = m * a + b and b < m, two hashes within
// r agree up to a bits in one of b + 1 chunks or up to a - 1 in one of the others (Norouzi et al.
// 2012, "Fast Search in Hamming Space with Multi-Index Hashing"). Departure: chunk n takes bits n,
// n + m, ..., since neighbouring bits of a picture's hash are alike, and only some of them where
// short keys do. A single chunk of 0 bits, which compares all hashes, is the last resort.
[[nodiscard]] std::vector<HammingChunk> plan_hamming_chunks(std::size_t count,
                                                            std::size_t width,
                                                            int radius,
                                                            HammingUse use);

}  // namespace marrow
