#include "models/training/precision.h"

#include <ATen/ATen.h>
#include <ATen/cpu/Utils.h>
#include <gtest/gtest.h>

#include "models/layers/conv.h"

namespace marrow {
namespace {

// A convolution that autocast does not know by name computes in float32, whatever was asked for.
TEST(Precision, ConvolutionsComputeInBfloat16WhereThatWasChosen) {
  for (const int dimensions : {2, 3}) {
    const auto axes = static_cast<std::size_t>(dimensions);
    std::vector<std::int64_t> shape = {1, 4};
    shape.insert(shape.end(), axes, 6);
    const at::Tensor x = at::randn(shape);
    const Conv conv({.dimensions = dimensions, .in = 4, .out = 8, .kernel = 3, .stride = {}});
    const std::vector<std::int64_t> two(axes, 2);
    const TransposedConv up(dimensions, 4, 8, two, two, 0);

    const AutocastGuard guard({.bf16 = true}, at::kCPU);

    EXPECT_EQ(conv.forward(x).scalar_type(), at::kBFloat16);
    EXPECT_EQ(up.forward(x).scalar_type(), at::kBFloat16);
  }
}

TEST(Precision, NothingIsCastOutsideTheGuard) {
  const Conv conv({.dimensions = 2, .in = 1, .out = 2, .kernel = 3, .stride = {}});
  { const AutocastGuard guard({.bf16 = true}, at::kCPU); }

  EXPECT_EQ(conv.forward(at::randn({1, 1, 5, 5})).scalar_type(), at::kFloat);
}

// A clock would choose otherwise on a busy machine, and with it the weights after a step.
TEST(Precision, TheSameMachineAlwaysChoosesTheSame) {
  const ComputeMode first = choose_compute_mode("auto", "auto", at::kCPU);

  EXPECT_TRUE(first.channels_last);
  EXPECT_EQ(first.bf16, at::cpu::init_amx());
  EXPECT_EQ(choose_compute_mode("fp32", "contiguous", at::kCPU).name(), "fp32");
  EXPECT_EQ(choose_compute_mode("bf16", "auto", at::kCPU).name(), "bf16+channels_last");
}

}  // namespace
}  // namespace marrow
