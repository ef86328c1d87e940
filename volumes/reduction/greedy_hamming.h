#pragma once

#include "volumes/fingerprints/hash_list.h"
#include "volumes/reduction/slice_selection.h"

namespace marrow {

// select_slices(..., kGreedyReference, ...) of hashes that are alike within `radius` >= 0 bits, for
// large groups: the first hash that is left is kept, every later one within the radius of it goes
// and stands for it, and again. The result is the same; the time grows a little faster than the
// number of hashes instead of with its square, as long as the radius is small beside their length.
//
// Memory: what HammingIndex takes, and 16 bytes a word and about 40 bytes a hash beside it,
// whatever the hashes are: for 10^7 of 64 bits and radius 6 about 0.8 GB with the hashes.
// Throws Error{kInvalidArgument} for a negative radius.
[[nodiscard]] Selection greedy_hamming(HashList hashes, int radius);

}  // namespace marrow
