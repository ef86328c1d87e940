#include "volumes/reduction/greedy_hamming.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/large_memory.h"
#include "volumes/fingerprints/hamming_index.h"
#include "volumes/fingerprints/hamming_join.h"
#include "volumes/fingerprints/hamming_kernel.h"

namespace marrow {
namespace {

using Numbers = VoxelVector<std::uint32_t>;  // large pages: much is looked up here and there

constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();
// Below, comparing all is faster than an index.
constexpr std::size_t kPlainGroup = 512;
// All pairs are noted as long as a hash has so many neighbours on average; more would fill memory.
constexpr std::size_t kNeighbours = 8;
// Up to here each kept hash is looked up by itself: the index stays in a second-level cache.
constexpr std::size_t kCachedGroup = std::size_t{1} << 15U;
// Of a larger group so many are decided among themselves before all later ones are compared with
// what was kept of them at once: many of those have keys of the large index in common.
constexpr std::size_t kBlocks = 32;

VoxelVector<std::uint64_t> gather(HashList hashes, const Numbers& positions) {
  VoxelVector<std::uint64_t> words(positions.size() * hashes.width());
  auto next = words.begin();
  for (const std::uint32_t position : positions) {
    next = std::copy_n(hashes[position], hashes.width(), next);
  }
  return words;
}

// For each hash the first that is the same.
Numbers first_of_same(HashList hashes) {
  const std::size_t width = hashes.width();
  const auto same = [&](std::size_t one, std::size_t two) {
    std::uint64_t differing = 0;
    for (std::size_t word = 0; word < width; ++word) {
      differing |= hashes[one][word] ^ hashes[two][word];
    }
    return differing == 0;
  };
  const std::size_t slots = std::bit_ceil(hashes.size() + hashes.size() / 2 + 1);
  const auto slot_of = [&](std::size_t n) {
    std::uint64_t mixed = 0;
    for (std::size_t word = 0; word < width; ++word) {
      mixed = (mixed ^ hashes[n][word]) * 0x9e3779b97f4a7c15U;
      mixed ^= mixed >> 32U;
    }
    return static_cast<std::size_t>(mixed & (slots - 1));
  };
  Numbers table(slots, kNobody);
  Numbers first(hashes.size());
  // Some at a time, so that memory is asked for all of them before the first is needed.
  std::array<std::size_t, 32> some{};
  for (std::size_t begin = 0; begin < first.size(); begin += some.size()) {
    const std::size_t count = std::min(some.size(), first.size() - begin);
    for (std::size_t n = 0; n < count; ++n) {
      some[n] = slot_of(begin + n);
      __builtin_prefetch(table.data() + some[n]);
    }
    for (std::size_t n = 0; n < count; ++n) {
      if (table[some[n]] != kNobody) {
        __builtin_prefetch(hashes[table[some[n]]]);
      }
    }
    for (std::size_t n = 0; n < count; ++n) {
      std::size_t slot = some[n];
      while (table[slot] != kNobody && !same(begin + n, table[slot])) {
        slot = (slot + 1) & (slots - 1);
      }
      if (table[slot] == kNobody) {
        table[slot] = static_cast<std::uint32_t>(begin + n);
      }
      first[begin + n] = table[slot];
    }
  }
  return first;
}

// For each hash the position of the kept one that it stands for; itself if kept.
Numbers owners_of_few(HashList hashes, int radius) {
  const HammingKernel& kernel = hamming_kernel();
  Numbers owners(hashes.size(), kNobody);
  for (std::uint32_t n = 0; n < owners.size(); ++n) {
    if (owners[n] != kNobody) {
      continue;
    }
    owners[n] = n;
    for (std::uint32_t later = n + 1; later < owners.size(); ++later) {
      if (owners[later] == kNobody &&
          kernel.distance(hashes[n], hashes[later], hashes.width()) <= radius) {
        owners[later] = n;
      }
    }
  }
  return owners;
}

// Nothing where there are too many pairs.
std::optional<Numbers> owners_by_pairs(HashList hashes, int radius) {
  const std::size_t limit = kNeighbours * hashes.size();
  Numbers earlier;
  Numbers later;
  earlier.reserve(limit);
  later.reserve(limit);
  const bool all = join_hamming(hashes, radius, limit, [&](std::uint32_t one, std::uint32_t two) {
    earlier.push_back(one);
    later.push_back(two);
  });
  if (!all) {
    return std::nullopt;
  }
  // Sorted by the later hash: those of hash n end where those of the next begin.
  Numbers ends(hashes.size() + 1, 0);
  for (const std::uint32_t n : later) {
    ++ends[n + 1];
  }
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  Numbers neighbours(earlier.size());
  for (std::size_t pair = 0; pair < earlier.size(); ++pair) {
    neighbours[ends[later[pair]]++] = earlier[pair];
  }
  Numbers owners(hashes.size());
  for (std::uint32_t n = 0; n < owners.size(); ++n) {
    owners[n] = n;
    for (std::uint32_t place = n == 0 ? 0 : ends[n - 1]; place < ends[n]; ++place) {
      const std::uint32_t neighbour = neighbours[place];
      if (owners[neighbour] == neighbour) {
        owners[n] = std::min(owners[n], neighbour);
      }
    }
  }
  return owners;
}

Numbers owners_of_cached(HashList hashes, int radius) {
  const HammingIndex index(hashes, radius);
  Numbers owners(hashes.size(), kNobody);
  for (std::uint32_t n = 0; n < owners.size(); ++n) {
    if (owners[n] == kNobody) {
      owners[n] = n;
      index.for_each_within({hashes[n], hashes.width()}, radius, [&](std::uint32_t position, int) {
        owners[position] = std::min(owners[position], n);
      });
    }
  }
  return owners;
}

Numbers owners_of_many(HashList hashes, int radius);

Numbers owners_of(HashList hashes, int radius) {
  if (hashes.size() <= kPlainGroup) {
    return owners_of_few(hashes, radius);
  }
  if (std::optional<Numbers> owners = owners_by_pairs(hashes, radius)) {
    return std::move(*owners);
  }
  return hashes.size() <= kCachedGroup ? owners_of_cached(hashes, radius)
                                       : owners_of_many(hashes, radius);
}

// Decides hashes from the first on, a block at a time, until at most half of them are left, for
// which another index is faster; those are kNobody's.
Numbers owners_of_first(HashList hashes, int radius) {
  HammingIndex index(hashes, radius);
  const std::size_t block_size = std::max(kCachedGroup, hashes.size() / kBlocks);
  Numbers owners(hashes.size(), kNobody);
  std::uint32_t next = 0;
  for (std::size_t left = hashes.size(); left > hashes.size() / 2;) {
    Numbers block;
    for (; next < owners.size() && block.size() < block_size; ++next) {
      if (owners[next] == kNobody) {
        block.push_back(next);
      }
    }
    const VoxelVector<std::uint64_t> words = gather(hashes, block);
    const Numbers among = owners_of({words, hashes.width()}, radius);
    Numbers kept;
    for (std::size_t n = 0; n < block.size(); ++n) {
      owners[block[n]] = block[among[n]];
      if (among[n] == n) {
        kept.push_back(block[n]);
      }
    }
    const VoxelVector<std::uint64_t> queries = gather(hashes, kept);
    index.drop_before(next);
    index.for_each_pair(
        {queries, hashes.width()}, radius, [&](std::uint32_t query, std::uint32_t position, int) {
          owners[position] = std::min(owners[position], kept[query]);
        });
    left = static_cast<std::size_t>(
        std::count(owners.begin() + static_cast<std::ptrdiff_t>(next), owners.end(), kNobody));
  }
  return owners;
}

Numbers owners_of_many(HashList hashes, int radius) {
  Numbers owners = owners_of_first(hashes, radius);
  Numbers left;
  for (std::uint32_t n = 0; n < owners.size(); ++n) {
    if (owners[n] == kNobody) {
      left.push_back(n);
    }
  }
  const VoxelVector<std::uint64_t> words = gather(hashes, left);
  const Numbers later = owners_of({words, hashes.width()}, radius);
  for (std::size_t n = 0; n < left.size(); ++n) {
    owners[left[n]] = left[later[n]];
  }
  return owners;
}

}  // namespace

Selection greedy_hamming(HashList hashes, int radius) {
  if (radius < 0) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "greedy hamming: expected a radius of 0 bits or more, found " + std::to_string(radius));
  }
  // Whatever is near to a hash is near to its copies, so that only first ones matter; archives are
  // full of the same black slice.
  Numbers owners = first_of_same(hashes);
  Numbers left;
  for (std::uint32_t n = 0; n < owners.size(); ++n) {
    if (owners[n] == n) {
      left.push_back(n);
    }
  }
  const VoxelVector<std::uint64_t> words = gather(hashes, left);
  const Numbers decided = owners_of({words, hashes.width()}, radius);
  for (std::size_t n = 0; n < left.size(); ++n) {
    owners[left[n]] = left[decided[n]];
  }
  Selection selection;
  selection.stands_for.resize(owners.size());
  for (std::size_t n = 0; n < owners.size(); ++n) {
    // Of a copy, this is the owner of its first one; of others, whose owner is its own, no other.
    selection.stands_for[n] = owners[owners[n]];
    if (selection.stands_for[n] == n) {
      selection.kept.push_back(n);
    }
  }
  return selection;
}

}  // namespace marrow
