#include "ssl/patches.h"

#include <vector>

#include "core/error.h"

namespace marrow {

namespace {

std::int64_t patch_side(at::IntArrayRef patch, std::int64_t axis) {
  return patch.size() == 1 ? patch[0] : patch[static_cast<std::size_t>(axis)];
}

}  // namespace

at::Tensor patchify(const at::Tensor& x, at::IntArrayRef patch) {
  const std::int64_t rank = x.dim() - 2;
  MARROW_CHECK(rank == 2 || rank == 3);
  MARROW_CHECK(patch.size() == 1 || static_cast<std::int64_t>(patch.size()) == rank);
  std::vector<std::int64_t> split = {x.size(0), x.size(1)};
  std::int64_t cells = 1;
  std::int64_t values = x.size(1);
  for (std::int64_t axis = 2; axis < x.dim(); ++axis) {
    const std::int64_t side = patch_side(patch, axis - 2);
    if (x.size(axis) % side != 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  "patchify: every size must be a multiple of the patch");
    }
    split.push_back(x.size(axis) / side);
    split.push_back(side);
    cells *= x.size(axis) / side;
    values *= side;
  }
  // [B, C, d, pd, h, ph, w, pw] -> [B, d, h, w, pd, ph, pw, C]
  std::vector<std::int64_t> order = {0};
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    order.push_back(2 + 2 * axis);
  }
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    order.push_back(3 + 2 * axis);
  }
  order.push_back(1);
  return x.reshape(split).permute(order).reshape({x.size(0), cells, values});
}

at::Tensor unpatchify(const at::Tensor& patches,
                      at::IntArrayRef grid,
                      at::IntArrayRef patch,
                      std::int64_t channels) {
  const auto rank = static_cast<std::int64_t>(grid.size());
  MARROW_CHECK(patch.size() == 1 || patch.size() == grid.size());
  std::vector<std::int64_t> split = {patches.size(0)};
  std::vector<std::int64_t> shape = {patches.size(0), channels};
  split.insert(split.end(), grid.begin(), grid.end());
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    const std::int64_t side = patch_side(patch, axis);
    split.push_back(side);
    shape.push_back(grid[static_cast<std::size_t>(axis)] * side);
  }
  split.push_back(channels);
  std::vector<std::int64_t> order = {0, 1 + 2 * rank};
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    order.push_back(1 + axis);
    order.push_back(1 + rank + axis);
  }
  return patches.reshape(split).permute(order).reshape(shape);
}

}  // namespace marrow
