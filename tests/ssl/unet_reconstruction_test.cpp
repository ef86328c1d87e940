#include "ssl/unet_reconstruction.h"

#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(UnetReconstruction, PutsItsTokensWhereNothingWasSeen) {
  at::manual_seed(2);
  UnetReconstruction decoder({{4, {2, 2}}, {8, {4, 4}}}, 2, 1, {4, 4});
  decoder.eval();
  at::Tensor grid = at::zeros({1, 1, 3, 5}, at::kBool);
  grid[0][0][1].fill_(true);
  const Visibility visible(grid);
  std::vector<at::Tensor> maps = {at::randn({1, 4, 6, 10}), at::randn({1, 8, 3, 5})};

  const at::Tensor once = decoder.restore(maps, visible, {12, 20});
  for (at::Tensor& map : maps) {
    map = at::where(visible.at_size(map.sizes().slice(2)),
                    map,
                    at::full({}, std::numeric_limits<float>::quiet_NaN()));
  }
  const at::Tensor again = decoder.restore(maps, visible, {12, 20});

  EXPECT_EQ(once.sizes(), at::IntArrayRef({1, 1, 12, 20}));
  EXPECT_TRUE(once.isfinite().all().item<bool>());
  EXPECT_TRUE(at::equal(once, again));
}

}  // namespace
}  // namespace marrow
