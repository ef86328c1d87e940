#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "volumes/fingerprints/hash_list.h"

namespace marrow {

// Compares a list of hashes with itself: calls visit(earlier, later) once for each pair that
// differs in at most `radius` >= 0 bits, in an order that depends on the hashes and the radius
// only. Gives up after `limit` pairs, since hashes that are all alike have as many as the square of
// their number; false then.
//
// Hashes are sorted by the keys of one chunk (hamming_chunks.h) after the other, so that only those
// of near keys are compared, list by list: several times faster for each pair of keys than looking
// up every hash in a HammingIndex, as long as most hashes have few neighbours.
// Memory: 12 bytes a hash, 16 beyond radius 10, and a table of at most 2^22 positions.
// Throws Error{kInvalidArgument} for a negative radius.
bool join_hamming(HashList hashes,
                  int radius,
                  std::size_t limit,
                  const std::function<void(std::uint32_t, std::uint32_t)>& visit);

}  // namespace marrow
