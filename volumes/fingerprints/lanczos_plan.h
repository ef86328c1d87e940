#pragma once

#include <cstdint>

#include "volumes/fingerprints/lanczos_kernel.h"

namespace marrow {

// The weights with which Pillow's LANCZOS makes `to` pixels out of `from`, both 1 to 32768: three
// lobes, widened by the factor that the row shrinks by, 22 bits behind the point.
[[nodiscard]] LanczosPlan lanczos_plan(std::int64_t from, std::int64_t to);

}  // namespace marrow
