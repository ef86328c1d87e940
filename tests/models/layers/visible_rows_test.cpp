#include "models/layers/visible_rows.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "models/layers/visibility.h"

namespace marrow {
namespace {

TEST(VisibleRows, AreTheVisiblePositionsSampleAfterSample) {
  const Visibility visible(torch::tensor({1, 0, 0, 1}, at::kBool).view({2, 1, 1, 2}));
  const at::Tensor x = torch::arange(24, at::kFloat).view({2, 3, 2, 2});

  const at::Tensor rows = visible_rows(x, visible);

  // Left column of the first sample, right column of the second; channels are 4 apart.
  EXPECT_TRUE(at::equal(
      rows,
      torch::tensor({{0., 4., 8.}, {2., 6., 10.}, {13., 17., 21.}, {15., 19., 23.}}, at::kFloat)));
}

TEST(VisibleRows, GoBackToTheirPlacesWithZerosElsewhere) {
  torch::manual_seed(1);
  const Visibility visible(torch::tensor({1, 0, 1, 0, 1, 1}, at::kBool).view({2, 1, 1, 1, 3}));
  const at::Tensor x = torch::randn({2, 5, 2, 4, 6});

  const at::Tensor map = map_of_rows(visible_rows(x, visible), visible, {2, 4, 6});

  EXPECT_TRUE(at::equal(map, visible.select(x)));
}

TEST(VisibleRows, PassTheGradientOfVisiblePositionsOnly) {
  torch::manual_seed(2);
  const Visibility visible(torch::tensor({1, 0, 0, 1}, at::kBool).view({2, 1, 1, 2}));
  const at::Tensor x = torch::randn({2, 3, 4, 6}).requires_grad_();
  const at::Tensor weight = torch::randn({2, 3, 4, 6});

  (map_of_rows(visible_rows(x, visible).square(), visible, {4, 6}) * weight).sum().backward();

  EXPECT_TRUE(at::allclose(x.grad(), visible.select(2 * x.detach() * weight)));
}

}  // namespace
}  // namespace marrow
