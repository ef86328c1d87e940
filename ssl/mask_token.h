#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace marrow {

// Normal numbers with deviation 0.02, cut at one deviation, as SparK draws its mask tokens and
// convolutions.
[[nodiscard]] at::Tensor mask_token(const std::vector<std::int64_t>& shape);

}  // namespace marrow
