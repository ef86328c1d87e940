#pragma once

#include <cstdint>
#include <vector>

#include "core/records.h"
#include "core/volume_source.h"
#include "volumes/reduction/reduce_cases.h"

namespace marrow {

// Fills in the fingerprints of all items, from the cache or by reading them.
[[nodiscard]] std::vector<Issue> read_fingerprints(std::vector<ReductionItem>& items,
                                                   VolumeSource& source,
                                                   const PictureOptions& options,
                                                   FingerprintCache& cache,
                                                   std::int64_t threads);

}  // namespace marrow
