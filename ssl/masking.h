#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace marrow {

// Cells that stay visible under SparK's rule: round half to even of cells * (1 - ratio), at
// least 1.
[[nodiscard]] std::int64_t spark_visible_cells(std::int64_t cells, double ratio);

// A random choice of `visible` cells for each of `batch` rows: [batch, 1, grid...] bool, true =
// visible. Depends on the seed alone.
[[nodiscard]] at::Tensor random_visible(std::int64_t batch,
                                        at::IntArrayRef grid,
                                        std::int64_t visible,
                                        std::uint64_t seed);

}  // namespace marrow
