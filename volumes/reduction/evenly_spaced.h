#pragma once

#include "core/reduction.h"

namespace marrow {

// Slices of the same volumes, evenly spaced over the collection, as many as `reduction` keeps: the
// control that a measure must beat. Volumes that a filter of volumes left out stay left out.
[[nodiscard]] Reduction evenly_spaced(const Reduction& reduction);

}  // namespace marrow
