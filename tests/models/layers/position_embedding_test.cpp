#include "models/layers/position_embedding.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(PositionEmbedding, PadsWhatThirdsLeaveWithZeros) {
  const at::Tensor positions = sincos_positions({2, 3, 4}, 16);  // 2 frequencies an axis, 12 used

  ASSERT_EQ(positions.sizes(), at::IntArrayRef({24, 16}));
  EXPECT_EQ(positions.slice(1, 12).abs().max().item<double>(), 0.0);
  EXPECT_GT(positions.slice(1, 8, 12).abs().max().item<double>(), 0.5);
}

TEST(PositionEmbedding, CountsWidthFirstThenHeightThenDepth) {
  const at::Tensor positions = sincos_positions({2, 3, 4}, 6);
  const at::Tensor token = positions[1 * 12 + 2 * 4 + 3];  // (d, h, w) = (1, 2, 3)

  EXPECT_NEAR(token[0].item<double>(), std::sin(3.0), 1e-12);
  EXPECT_NEAR(token[1].item<double>(), std::cos(3.0), 1e-12);
  EXPECT_NEAR(token[2].item<double>(), std::sin(2.0), 1e-12);
  EXPECT_NEAR(token[4].item<double>(), std::sin(1.0), 1e-12);
}

// Positions whose one feature is the place itself along the last axis.
at::Tensor ramp(at::IntArrayRef grid) {
  return at::arange(grid.back(), at::kDouble).expand(grid).reshape({1, -1, 1}).clone();
}

TEST(PositionEmbedding, InterpolatesARampAlongAnAxisAsARampAwayFromTheBorder) {
  const at::Tensor in2d = resized_positions(ramp({3, 8}), {3, 8}, {6, 16}).reshape({6, 16});
  const at::Tensor in3d =
      resized_positions(ramp({2, 2, 8}), {2, 2, 8}, {4, 3, 16}).reshape({12, 16});

  // With corners not aligned place j of 16 lies at (j + 0.5) / 2 - 0.5 of 8. Bicubic weights (a =
  // -0.75) restore a ramp up to their own error of 3/64 at a quarter.
  for (std::int64_t j = 4; j < 12; ++j) {
    const double place = (static_cast<double>(j) + 0.5) / 2 - 0.5;
    EXPECT_NEAR(in2d[2][j].item<double>(), place, 3.0 / 64 + 1e-9);
    EXPECT_NEAR(in3d[5][j].item<double>(), place, 1e-9);
  }
}

TEST(PositionEmbedding, LeavesPositionsOfTheSameGridAlone) {
  const at::Tensor positions = ramp({3, 8});

  EXPECT_TRUE(resized_positions(positions, {3, 8}, {3, 8}).is_same(positions));
}

TEST(PositionEmbedding, KeepsFixedPositionsOfOneGridAndMakesThoseOfAnother) {
  FixedPositions fixed(8);
  const at::Tensor like = at::zeros({1});

  const at::Tensor first = fixed.of({2, 3}, like);

  EXPECT_TRUE(fixed.of({2, 3}, like).is_same(first));
  EXPECT_EQ(fixed.of({3, 2}, like).sizes(), at::IntArrayRef({1, 6, 8}));
  EXPECT_FALSE(at::equal(fixed.of({3, 2}, like), first));
  EXPECT_EQ(fixed.of({3, 2}, at::zeros({1}, at::kDouble)).scalar_type(), at::kDouble);
}

}  // namespace
}  // namespace marrow
