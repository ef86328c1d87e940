#pragma once

#include "volumes/fingerprints/hash_list.h"
#include "volumes/reduction/slice_selection.h"

namespace marrow {

// select_slices(..., kGreedyReference, ...) of hashes that are alike within `radius` >= 0 bits, for
// large groups: the first hash that is left is kept, every later one within the radius of it goes
// and stands for it, and again. The result is the same; the time grows a little faster than the
// number of hashes instead of with its square, as long as the radius is small beside their length.
//
// Memory: 8 bytes a word, what join_hamming takes and 12 bytes for each near pair, of which there
// are at most 8 a hash: with more, what HammingIndex takes instead. For 10^7 hashes of 64 bits,
// radius 6 and 1.6 pairs a hash about 0.6 GB with the hashes.
// Throws Error{kInvalidArgument} for a negative radius.
[[nodiscard]] Selection greedy_hamming(HashList hashes, int radius);

}  // namespace marrow
