#include "models/layers/drop_path.h"

#include <limits>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/error.h"

namespace marrow {
namespace {

TEST(DropPath, LeavesOutWholeSamplesAndScalesTheOthers) {
  torch::manual_seed(2);
  const at::Tensor branch = torch::ones({64, 3, 2, 2});

  const at::Tensor y = drop_path(branch, 0.5, true).flatten(1);

  int kept = 0;
  for (std::int64_t row = 0; row < 64; ++row) {
    const bool out = y[row].eq(0.0).all().item<bool>();
    EXPECT_TRUE(out || y[row].eq(2.0).all().item<bool>()) << "sample " << row;
    kept += out ? 0 : 1;
  }
  EXPECT_GT(kept, 16);  // 32 expected, deviation 4
  EXPECT_LT(kept, 48);
}

TEST(DropPath, KeepsTheMeanOverManySamples) {
  torch::manual_seed(3);

  const at::Tensor y = drop_path(torch::ones({100000, 1}), 0.3, true);

  EXPECT_NEAR(y.mean().item<double>(), 1.0, 0.01);  // deviation of the mean: 0.002
}

TEST(DropPath, ReturnsTheBranchItselfAndDrawsNothingInEvalModeAndAtRateZero) {
  const at::Tensor branch = torch::randn({4, 3});
  torch::manual_seed(4);
  const at::Tensor expected = torch::rand({3});
  torch::manual_seed(4);

  EXPECT_TRUE(drop_path(branch, 0.5, false).is_same(branch));
  EXPECT_TRUE(drop_path(branch, 0.0, true).is_same(branch));
  EXPECT_TRUE(at::equal(torch::rand({3}), expected));
}

TEST(DropPath, IsReproducibleUnderASeed) {
  const at::Tensor branch = torch::randn({32, 3});
  torch::manual_seed(5);
  const at::Tensor first = drop_path(branch, 0.5, true);
  torch::manual_seed(5);
  const at::Tensor again = drop_path(branch, 0.5, true);

  EXPECT_TRUE(at::equal(first, again));
  EXPECT_FALSE(at::equal(drop_path(branch, 0.5, true), again));
}

TEST(DropPath, WhatIsLeftOutIsZeroInValueAndGradientEvenIfNotFinite) {
  torch::manual_seed(6);
  const at::Tensor branch =
      torch::full({40, 2}, std::numeric_limits<float>::infinity()).requires_grad_();

  const at::Tensor y = drop_path(branch, 0.5, true);
  y.sum().backward();

  const at::Tensor kept = y.detach().isinf();
  EXPECT_TRUE(y.detach().masked_select(kept.logical_not()).eq(0.0).all().item<bool>());
  EXPECT_TRUE(at::equal(branch.grad(), kept.to(at::kFloat) * 2));
}

TEST(DropPath, ScalesBfloat16WithoutRoundingTheFactor) {
  torch::manual_seed(7);
  const at::Tensor branch = torch::full({8, 4}, 7.0, at::kBFloat16);

  const at::Tensor y = drop_path(branch, 0.1, true);

  // 7 / 0.9 = 7.7778; steps are 1/32 there. With 1 / 0.9 rounded to 1.109375 it would be 7.75.
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_EQ(y.to(at::kFloat).max().item<float>(), 7.78125F);
}

TEST(DropPath, RefusesARateThatDropsEverything) {
  try {
    static_cast<void>(drop_path(torch::ones({1, 1}), 1.0, true));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("[0, 1)"), std::string::npos) << error.what();
  }
}

TEST(DropPath, RatesRiseLinearlyFromZeroToTheLast) {
  EXPECT_DOUBLE_EQ(drop_path_rate(0.2, 0, 5), 0.0);
  EXPECT_DOUBLE_EQ(drop_path_rate(0.2, 1, 5), 0.05);
  EXPECT_DOUBLE_EQ(drop_path_rate(0.2, 4, 5), 0.2);
  EXPECT_DOUBLE_EQ(drop_path_rate(0.2, 0, 1), 0.0);
}

}  // namespace
}  // namespace marrow
