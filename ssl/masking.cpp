#include "ssl/masking.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

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
  MARROW_CHECK(visible >= 1 && visible <= cells);
  at::Tensor mask = at::zeros(shape, at::TensorOptions().dtype(at::kBool));
  bool* const values = mask.mutable_data_ptr<bool>();
  std::vector<double> noise(static_cast<std::size_t>(cells));
  std::vector<std::int64_t> order(noise.size());
  for (std::int64_t row = 0; row < batch; ++row) {
    Rng rng(seed, "mask", {static_cast<std::uint64_t>(row)});
    std::generate(noise.begin(), noise.end(), [&] { return rng.uniform(); });
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return noise[static_cast<std::size_t>(a)] < noise[static_cast<std::size_t>(b)];
    });
    for (std::int64_t i = 0; i < visible; ++i) {
      values[row * cells + order[static_cast<std::size_t>(i)]] = true;
    }
  }
  return mask;
}

}  // namespace marrow
