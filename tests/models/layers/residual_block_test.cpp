#include "models/layers/residual_block.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace marrow {
namespace {

std::shared_ptr<ResidualBlock> block_with(double drop_rate) {
  torch::manual_seed(1);
  return std::make_shared<ResidualBlock>(
      2, 4, 4, std::vector<std::int64_t>{1, 1}, NormKind::kInstance, false, drop_rate);
}

at::Tensor before_leaky_relu(const at::Tensor& y) {
  return at::where(y > 0, y, y / 0.01);
}

TEST(ResidualBlock, WithDropPathASampleHasItsShortcutAloneOrItsBranchScaled) {
  const auto plain = block_with(0.0);
  const auto block = block_with(0.5);
  const at::Tensor x = torch::randn({32, 4, 6, 5});
  const at::Tensor branch = before_leaky_relu(plain->forward(x, nullptr)) - x;

  const at::Tensor sum = before_leaky_relu(block->forward(x, nullptr));

  int left_out = 0;
  for (std::int64_t row = 0; row < 32; ++row) {
    const bool out = at::allclose(sum[row], x[row], 0, 1e-4);
    EXPECT_TRUE(out || at::allclose(sum[row], x[row] + 2 * branch[row], 0, 1e-3)) << row;
    left_out += out ? 1 : 0;
  }
  EXPECT_GT(left_out, 4);  // 16 expected, deviation 2.8
  EXPECT_LT(left_out, 28);
}

TEST(ResidualBlock, DropPathChangesNothingInEvalMode) {
  const auto plain = block_with(0.0);
  const auto block = block_with(0.5);
  plain->eval();
  block->eval();
  const at::Tensor x = torch::randn({4, 4, 6, 5});

  EXPECT_TRUE(at::equal(block->forward(x, nullptr), plain->forward(x, nullptr)));
}

}  // namespace
}  // namespace marrow
