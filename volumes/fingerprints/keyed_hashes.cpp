#include "volumes/fingerprints/keyed_hashes.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "volumes/fingerprints/hamming_scan.h"

namespace marrow {
namespace {

// Sorting straight by key would write here and there in more memory than a cache holds: hashes go
// into so many groups of neighbouring keys first, and each of those is sorted by itself.
constexpr int kGroupBits = 9;

// From how often each value occurs to where the first of each lies in the sorted list, whose first
// place is `begin`.
void counts_to_begins(std::vector<std::uint32_t>& counts, std::uint32_t begin) {
  std::exclusive_scan(counts.begin(), counts.end(), counts.begin(), begin);
}

template <class Print>
void sort_prints(HashList hashes,
                 const HammingChunk& chunk,
                 KeyedHashes& sorted,
                 VoxelVector<Print>& prints) {
  const auto group_bits = static_cast<unsigned>(std::min(kGroupBits, chunk.bits));
  const unsigned shift = static_cast<unsigned>(chunk.bits) - group_bits;
  const auto key_of = [&](std::size_t n) { return chunk.key(hashes[n], hashes.width()); };

  std::vector<std::uint32_t> group_begins((std::size_t{1} << group_bits) + 1);
  for (std::size_t n = 0; n < hashes.size(); ++n) {
    ++group_begins[key_of(n) >> shift];
  }
  counts_to_begins(group_begins, 0);
  VoxelVector<std::uint32_t> keys(hashes.size());
  sorted.positions.resize(hashes.size());
  prints.resize(hashes.size());
  std::vector<std::uint32_t> next = group_begins;
  for (std::size_t n = 0; n < hashes.size(); ++n) {
    const std::uint32_t key = key_of(n);
    const std::uint32_t place = next[key >> shift]++;
    keys[place] = key;
    sorted.positions[place] = static_cast<std::uint32_t>(n);
    const std::uint64_t print = print_of(hashes[n], hashes.width());
    if constexpr (sizeof(Print) == 4) {
      prints[place] = folded_hash(print);
    } else {
      prints[place] = print;
    }
  }

  sorted.begins.reserve((std::size_t{1} << static_cast<unsigned>(chunk.bits)) + 1);
  std::vector<std::uint32_t> positions;
  std::vector<Print> moved;
  const std::uint32_t in_group = (std::uint32_t{1} << shift) - 1;
  for (std::size_t group = 0; group + 1 < group_begins.size(); ++group) {
    const std::uint32_t begin = group_begins[group];
    const std::uint32_t count = group_begins[group + 1] - begin;
    const std::span group_keys(keys.data() + begin, count);
    next.assign(std::size_t{1} << shift, 0);
    for (const std::uint32_t key : group_keys) {
      ++next[key & in_group];
    }
    counts_to_begins(next, begin);
    sorted.begins.insert(sorted.begins.end(), next.begin(), next.end());
    positions.assign(sorted.positions.data() + begin, sorted.positions.data() + begin + count);
    moved.assign(prints.data() + begin, prints.data() + begin + count);
    for (std::size_t n = 0; n < count; ++n) {
      const std::uint32_t place = next[group_keys[n] & in_group]++;
      sorted.positions[place] = positions[n];
      prints[place] = moved[n];
    }
  }
  sorted.begins.push_back(static_cast<std::uint32_t>(hashes.size()));
}

}  // namespace

KeyedHashes sort_by_key(HashList hashes, const HammingChunk& chunk, int radius) {
  KeyedHashes sorted;
  if (hamming_short_prints(radius)) {
    sort_prints(hashes, chunk, sorted, sorted.prints32);
  } else {
    sort_prints(hashes, chunk, sorted, sorted.prints64);
  }
  return sorted;
}

}  // namespace marrow
