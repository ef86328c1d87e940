#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "volumes/fingerprints/hamming_chunks.h"
#include "volumes/fingerprints/hash_list.h"
#include "volumes/fingerprints/keyed_hashes.h"

namespace marrow {

// Finds the hashes of a list within a Hamming distance, all of them, without comparing all: for
// millions of hashes and distances that are small beside their length. Borrows the hashes.
//
// Memory, beside the hashes: for each chunk (hamming_chunks.h; 3 or 4 for millions of hashes of 64
// bits and radius 6, at most radius + 1) 8 bytes a hash, 12 beyond radius 10, and two tables of at
// most 2^22 positions; 4 more bytes a hash while it is made. Searches may run in
// several threads.
class HammingIndex {
 public:
  // For queries of up to `radius` >= 0. Throws Error{kInvalidArgument} for a negative one.
  HammingIndex(HashList hashes, int radius);

  // Calls visit(position, distance) once for each hash that differs from `query` (of as many words)
  // in at most `radius` bits, in an order that depends on the hashes and the radius of the index
  // only. Throws Error{kInvalidArgument} if `radius` is beyond the index's or the words differ.
  void for_each_within(std::span<const std::uint64_t> query,
                       int radius,
                       const std::function<void(std::uint32_t, int)>& visit) const;

  // The same for many queries, visit(query, position, distance), in an order that takes them
  // together where they are alike: several times faster when the index is larger than the caches.
  // Takes 12 bytes a query, 16 beyond radius 10, and a table of at most 2^22 positions while it
  // runs.
  void for_each_pair(HashList queries,
                     int radius,
                     const std::function<void(std::uint32_t, std::uint32_t, int)>& visit) const;

  // Leaves out all positions before this one from now on, which makes later searches faster. Not
  // while others search.
  void drop_before(std::uint32_t position);

  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Part {
    HammingChunk chunk;
    KeyedHashes hashes;
    std::vector<std::uint32_t> starts;  // its begins without those that were dropped
  };

  class Search;

  void check(std::size_t width, int radius) const;

  HashList hashes_;
  int radius_;
  std::vector<Part> parts_;
};

}  // namespace marrow
