#include "models/weights/tensor_fit.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace marrow {
namespace {

TEST(TensorFit, AnInflatedKernelSeesAVolumeThatIsConstantAlongTheDepthAsTheKernelSeesASlice) {
  const at::Tensor kernel = at::randn({4, 2, 3, 3});
  const at::Tensor slice = at::randn({1, 2, 9, 7});
  const at::Tensor expected = at::conv2d(slice, kernel);

  for (const Inflation inflation : {Inflation::kAverage, Inflation::kCentre}) {
    const at::Tensor volume = slice.unsqueeze(2).expand({1, 2, 8, 9, 7});
    const at::Tensor found = at::conv3d(volume, inflate_kernel(kernel, 3, inflation));
    for (std::int64_t depth = 0; depth < found.size(2); ++depth) {
      EXPECT_TRUE(at::allclose(found.select(2, depth), expected, 1e-4, 1e-5)) << depth;
    }
  }
}

TEST(TensorFit, TheCentreSliceHoldsTheWholeKernel) {
  const at::Tensor kernel = at::ones({1, 1, 1, 1});

  const at::Tensor inflated = inflate_kernel(kernel, 5, Inflation::kCentre);

  EXPECT_TRUE(at::equal(inflated.flatten(), at::tensor({0.F, 0.F, 1.F, 0.F, 0.F})));
}

TEST(TensorFit, ThreeInputChannelsAreSummedForOne) {
  const at::Tensor kernel = at::tensor({1.F, 2.F, 4.F}).reshape({1, 3, 1, 1});

  EXPECT_EQ(adapt_input_channels(kernel, 1).item<float>(), 7.F);
}

TEST(TensorFit, OneInputChannelIsRepeatedForThreeAtAThirdOfItsWeight) {
  const at::Tensor kernel = at::full({1, 1, 1, 1}, 6.F);

  EXPECT_TRUE(at::equal(adapt_input_channels(kernel, 3).flatten(), at::tensor({2.F, 2.F, 2.F})));
}

TEST(TensorFit, OtherNumbersOfChannelsTakeTheInputsInTurnAndKeepTheSizeOfAConstant) {
  const at::Tensor kernel = at::tensor({4.F, 8.F}).reshape({1, 2, 1, 1});

  const at::Tensor four = adapt_input_channels(kernel, 4);

  EXPECT_TRUE(at::equal(four.flatten(), at::tensor({2.F, 4.F, 2.F, 4.F})));
}

TEST(TensorFit, PositionsKeepTheClassRowAndAConstantTable) {
  at::Tensor table = at::full({1, 1 + 4, 2}, 3.F);
  table.select(1, 0).fill_(-1.F);

  const at::Tensor made = resize_positions(table, {2, 2}, 1, {3, 5}, 1);

  ASSERT_EQ(made.sizes(), (std::vector<std::int64_t>{1, 16, 2}));
  EXPECT_EQ(made.select(1, 0).min().item<float>(), -1.F);
  EXPECT_TRUE(at::allclose(made.narrow(1, 1, 15), at::full({1, 15, 2}, 3.F)));
}

TEST(TensorFit, PositionsAreInterpolatedAlongTheirOwnAxes) {
  // The value rises along the width only.
  const at::Tensor table = at::tensor({0.F, 1.F, 2.F, 3.F}).repeat({2}).reshape({1, 8, 1});

  const at::Tensor made = resize_positions(table, {2, 4}, 0, {4, 4}, 0).reshape({4, 4});

  for (std::int64_t row = 0; row < 4; ++row) {
    EXPECT_TRUE(at::allclose(made.select(0, row), at::tensor({0.F, 1.F, 2.F, 3.F}), 1e-4, 1e-4));
  }
}

TEST(TensorFit, TrilinearPositionsOfAVolumeRiseWhereTheyDid) {
  const at::Tensor table = at::tensor({0.F, 0.F, 0.F, 0.F, 4.F, 4.F, 4.F, 4.F}).reshape({1, 8, 1});

  const at::Tensor made = resize_positions(table, {2, 2, 2}, 0, {4, 2, 2}, 0).reshape({4, 2, 2});

  // Half-pixel centres: 0, 1, 3, 4 for two samples stretched to four.
  EXPECT_TRUE(at::allclose(made.select(1, 0).select(1, 0), at::tensor({0.F, 1.F, 3.F, 4.F})));
}

TEST(TensorFit, PositionsOfSlicesAreRepeatedAlongTheDepth) {
  const at::Tensor table = at::arange(4).to(at::kFloat).reshape({1, 4, 1});

  const at::Tensor made = resize_positions(table, {2, 2}, 0, {3, 2, 2}, 1);

  ASSERT_EQ(made.size(1), 13);
  EXPECT_EQ(made.select(1, 0).item<float>(), 0.F);
  EXPECT_TRUE(at::equal(made.narrow(1, 9, 4), table));
}

TEST(TensorFit, AnInterpolationSaysFromWhichGridToWhich) {
  const FittedTensor fitted = fit_tensor(at::zeros({1, 5, 2}),
                                         at::zeros({1, 10, 2}),
                                         {.positions = true, .class_row = true, .grid = {3, 3}});

  ASSERT_TRUE(fitted.tensor.defined());
  EXPECT_EQ(fitted.how, "positions interpolated from 2x2 to 3x3 tokens");
}

TEST(TensorFit, AChannelCountChangesInTheStemOnly) {
  const at::Tensor value = at::ones({8, 3, 3, 3});
  const at::Tensor target = at::zeros({8, 1, 3, 3});

  EXPECT_FALSE(fit_tensor(value, target, {.grid = {}}).tensor.defined());
  EXPECT_EQ(fit_tensor(value, target, {.stem = true, .grid = {}}).how,
            "3 input channels summed to 1");
}

TEST(TensorFit, AStemOfColourSlicesBecomesOneOfGreyVolumes) {
  const FittedTensor fitted =
      fit_tensor(at::ones({8, 3, 7, 7}), at::zeros({8, 1, 7, 7, 7}), {.stem = true, .grid = {}});

  ASSERT_TRUE(fitted.tensor.defined());
  EXPECT_EQ(fitted.how, "inflated along a depth of 7 (average), 3 input channels summed to 1");
  EXPECT_TRUE(at::allclose(fitted.tensor, at::full({8, 1, 7, 7, 7}, 3.0 / 7.0)));
}

TEST(TensorFit, HalfPrecisionBecomesFloat) {
  const FittedTensor fitted = fit_tensor(at::ones({2}, at::kHalf), at::zeros({2}), {.grid = {}});

  EXPECT_EQ(fitted.tensor.scalar_type(), at::kFloat);
  EXPECT_EQ(fitted.how, "");
}

TEST(TensorFit, AnotherKernelIsNotMadeToFit) {
  EXPECT_FALSE(
      fit_tensor(at::ones({8, 1, 7, 7}), at::zeros({8, 1, 5, 5, 5}), {.stem = true, .grid = {}})
          .tensor.defined());
}

TEST(TensorFit, AnUnknownInflationIsRefusedWithTheKnownOnes) {
  try {
    static_cast<void>(inflation_from_name("middle"));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("average or centre"), std::string::npos);
  }
}

}  // namespace
}  // namespace marrow
