#pragma once

#include "volumes/fingerprints/unit_vectors.h"
#include "volumes/reduction/slice_selection.h"

namespace marrow {

// What select_slices gives with SelectionRule::kGreedyReference and "unit_cosine is at least the
// threshold": the first vector that is left is kept, every later one that is like it goes and
// stands for it. Taken in blocks against what is kept so far, so that large groups are fast; the
// result is the same. Memory: packed copies of the kept vectors, at most 4 bytes a value, and of
// one block.
// threshold: -1 to 1. Throws Error{kInvalidArgument} as for_each_cosine_pair does.
[[nodiscard]] Selection select_greedy_cosine(const UnitRows& rows, float threshold);

}  // namespace marrow
