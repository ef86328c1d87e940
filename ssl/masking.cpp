#include "ssl/masking.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/ops/argsort.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "core/error.h"
#include "core/rng.h"

namespace marrow {

std::int64_t spark_visible_cells(std::int64_t cells, double ratio) {
  // nearbyint rounds halves to even, as Python's round does.
  const auto visible =
      static_cast<std::int64_t>(std::nearbyint(static_cast<double>(cells) * (1.0 - ratio)));
  return std::max<std::int64_t>(1, visible);
}

std::int64_t mae_kept_patches(std::int64_t patches, double ratio) {
  return static_cast<std::int64_t>(std::floor(static_cast<double>(patches) * (1.0 - ratio)));
}

at::Tensor mask_noise(std::int64_t batch, std::int64_t cells, std::uint64_t seed) {
  at::Tensor noise = at::empty({batch, cells}, at::TensorOptions().dtype(at::kDouble));
  double* const values = noise.mutable_data_ptr<double>();
  for (std::int64_t row = 0; row < batch; ++row) {
    Rng rng(seed, "mask", {static_cast<std::uint64_t>(row)});
    std::generate_n(values + row * cells, cells, [&] { return rng.uniform(); });
  }
  return noise;
}

at::Tensor random_visible(std::int64_t batch,
                          at::IntArrayRef grid,
                          std::int64_t visible,
                          std::uint64_t seed) {
  std::vector<std::int64_t> shape = {batch, 1};
  std::int64_t cells = 1;
  for (const std::int64_t size : grid) {
    shape.push_back(size);
    cells *= size;
  }
  return token_mask(mask_noise(batch, cells, seed), visible).hidden.logical_not().reshape(shape);
}

TokenMask token_mask(const at::Tensor& noise, std::int64_t kept) {
  MARROW_CHECK(noise.dim() == 2 && kept >= 1 && kept <= noise.size(1));
  const at::Tensor shuffle = at::argsort(noise, true, 1, false);
  TokenMask mask;
  mask.kept = shuffle.slice(1, 0, kept).contiguous();
  mask.restore = at::argsort(shuffle, true, 1, false);
  mask.hidden = mask.restore.ge(kept);
  return mask;
}

}  // namespace marrow
