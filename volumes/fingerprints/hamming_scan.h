#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace marrow {

struct HammingHit {
  std::uint32_t position = 0;  // in the list that was searched
  int distance = 0;            // how many bits differ
};

// Compares every query with every hash of 64 bits and calls `hits(query, some)` with those that
// differ in at most `radius` (0 to 64) bits: of one query with positions ascending from call to
// call, the queries in turns, none without hits. One query takes the time of reading the list;
// many are compared with a part of it that the cache holds.
//
// Throws Error{kInvalidArgument} on another radius or for 2^32 hashes or more.
void scan_hamming(std::span<const std::uint64_t> hashes,
                  std::span<const std::uint64_t> queries,
                  int radius,
                  const std::function<void(std::size_t, std::span<const HammingHit>)>& hits);

// Half a hash, the exclusive or of both halves: what is folded of two hashes never differs in more
// bits than the hashes do, and that of unrelated ones is rarely within kFoldedRadius. One half is
// turned, so that bits n and n + 32 do not meet, which chunks (hamming_chunks.h) have in common.
[[nodiscard]] constexpr std::uint32_t folded_hash(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash) ^ std::rotl(static_cast<std::uint32_t>(hash >> 32U), 1);
}

inline constexpr int kFoldedRadius = 7;

}  // namespace marrow
