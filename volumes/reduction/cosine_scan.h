#pragma once

#include <cstdint>
#include <functional>

#include "volumes/fingerprints/unit_vectors.h"
#include "volumes/reduction/cosine_panels.h"

namespace marrow {

struct CosineScanOptions {
  float threshold = 0.95F;  // -1 to 1
  int threads = 1;          // 1 to 256
  // Which arithmetic finds the candidates; none: the best that this processor runs. The pairs and
  // their cosines do not depend on it.
  const CosineKernel* kernel = nullptr;
};

// Near duplicates among feature vectors, exactly: every pair a < b whose unit_cosine is at least
// the threshold, and no other. A blocked product in low precision finds the candidates, with the
// threshold lowered by its proven error; each of them is computed again by unit_cosine. So the
// result depends neither on the processor nor on the number of threads.
//
// `visit` is called for one pair at a time, from any of the threads: by blocks of 384 rows of a, in
// those by blocks of 4096 rows of b, in those by a, then b. What it throws ends the scan and
// reaches the caller.
//
// Memory: a packed copy of the rows, 4 bytes a value (2 where the processor has tiles), and for
// each thread 384 packed rows and the pairs of a block, at most 384 x 4096 of 24 bytes.
// Throws Error{kInvalidArgument} for rows that are not of length 1 and options out of range.
void for_each_cosine_pair(const UnitRows& rows,
                          const CosineScanOptions& options,
                          const std::function<void(const CosinePair&)>& visit);

// The same for every pair of a query (a) and a row of the base (b).
void for_each_cosine_match(const UnitRows& queries,
                           const UnitRows& base,
                           const CosineScanOptions& options,
                           const std::function<void(const CosinePair&)>& visit);

}  // namespace marrow
