#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace marrow {

// Cells that stay visible under SparK's rule: round half to even of cells * (1 - ratio), at
// least 1.
[[nodiscard]] std::int64_t spark_visible_cells(std::int64_t cells, double ratio);

// Patches that stay visible under MAE's rule: cells * (1 - ratio) rounded down; may be 0.
[[nodiscard]] std::int64_t mae_kept_patches(std::int64_t patches, double ratio);

// [batch, cells] float64, uniform in [0, 1): what a random choice of cells is sorted by. Depends on
// the seed alone.
[[nodiscard]] at::Tensor mask_noise(std::int64_t batch, std::int64_t cells, std::uint64_t seed);

// A random choice of `visible` cells for each of `batch` rows: [batch, 1, grid...] bool, true =
// visible. Depends on the seed alone.
[[nodiscard]] at::Tensor random_visible(std::int64_t batch,
                                        at::IntArrayRef grid,
                                        std::int64_t visible,
                                        std::uint64_t seed);

// Which patches MAE's encoder sees, and how its decoder puts them back.
struct TokenMask {
  at::Tensor kept;     // [B, K] int64: indices of the visible patches, by rising noise
  at::Tensor restore;  // [B, L] int64: where patch l stands in the shuffled order, the kept first
  at::Tensor hidden;   // [B, L] bool
};

// The `kept` patches of least noise stay visible; noise: [B, L], 1 <= kept <= L.
//
// Source: He et al. 2022 (MAE); golden vectors mae_masking.
[[nodiscard]] TokenMask token_mask(const at::Tensor& noise, std::int64_t kept);

}  // namespace marrow
