#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/reduction.h"
#include "volumes/store/volume_store.h"

namespace marrow {

// The slices along k of a prepared case whose place in the source grid was kept; ascending. Nothing
// where the source's slices follow each other along another axis than the prepared ones (a sagittal
// series is cut axially), or where the source has another number of slices than when it was
// reduced: then the decision does not apply.
[[nodiscard]] std::optional<std::vector<std::int64_t>> kept_prepared_slices(
    const StoredCase& stored, const ReducedCase& reduced);

}  // namespace marrow
