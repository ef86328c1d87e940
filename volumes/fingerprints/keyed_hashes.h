#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/large_memory.h"
#include "volumes/fingerprints/hamming_chunks.h"
#include "volumes/fingerprints/hash_list.h"

namespace marrow {

// The print of a hash before it is folded. Of several words each is turned by so much that bits of
// one chunk seldom meet.
[[nodiscard]] inline std::uint64_t print_of(const std::uint64_t* hash, std::size_t width) {
  std::uint64_t print = hash[0];
  for (std::size_t n = 1; n < width; ++n) {
    print ^= std::rotl(hash[n], static_cast<int>(3 * n % 64));
  }
  return print;
}

// Hashes sorted by the key of a chunk, so that those of one key lie together.
struct KeyedHashes {
  std::vector<std::uint32_t> begins;     // where each key's begin, and the end
  VoxelVector<std::uint32_t> positions;  // in the list of hashes, ascending for each key
  // Of each a print for a first comparison, never further from another's than the hashes are: of 32
  // bits (folded_hash) where that tells unrelated ones apart, else of 64; one of both.
  VoxelVector<std::uint32_t> prints32;
  VoxelVector<std::uint64_t> prints64;

  [[nodiscard]] std::size_t bytes() const {
    return 4 * (begins.size() + positions.size() + prints32.size()) + 8 * prints64.size();
  }
};

// For comparing within `radius` bits (hamming_short_prints). Takes 4 more bytes a hash meanwhile.
[[nodiscard]] KeyedHashes sort_by_key(HashList hashes, const HammingChunk& chunk, int radius);

}  // namespace marrow
