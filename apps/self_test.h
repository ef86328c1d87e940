#pragma once

#include <vector>

#include "apps/checks.h"

namespace marrow {

// Computes a few small things whose results are known and says which agree: digest, geometry,
// random numbers, a file through the parsing child, the CT window, a convolution. A few seconds;
// writes only a temporary folder.
[[nodiscard]] std::vector<Check> self_test();

}  // namespace marrow
