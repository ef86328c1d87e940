#include <cmath>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/config/config.h"
#include "core/error.h"
#include "models/encoder.h"
#include "models/layers/visibility.h"
#include "models/training/precision.h"
#include "tests/support/golden_tensors.h"

namespace marrow {
namespace {

using testing::golden;
using testing::golden_tensor;
using testing::largest_difference;

std::shared_ptr<Encoder> convnext(const std::string& options) {
  Encoders encoders("encoder");
  add_builtin_encoders(encoders);
  torch::manual_seed(1);
  return encoders.find("convnext")
      .make(Config::from_text("encoder: {" + options + "}", "test").section("encoder"));
}

std::int64_t parameters_of(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) {
    count += parameter.numel();
  }
  return count;
}

// tests/data/golden/convnext.json, by timm 1.0.31 in float64 (convnext.ConvNeXt with in_chans=2,
// num_classes=0, depths=(1, 1, 2, 1), dims=(4, 6, 8, 10)): element i of each parameter is
// 0.5 sin(0.37 i + length of its name), that of the input [1, 2, 32, 64] is sin(0.05 i^1.2). Maps
// by forward_intermediates, pooled by forward; rounded to 9 decimals.
TEST(ConvnextGolden, HasTimmsNamesShapesAndValues) {
  const auto vectors = golden("convnext");
  const auto net = convnext(
      "dimensions: 2, input_channels: 2, size: custom, depths: [1, 1, 2, 1], dims: [4, 6, 8, 10]");
  net->to(at::kDouble);
  const torch::NoGradGuard no_grad;
  std::size_t found = 0;
  for (const auto& item : net->named_parameters()) {
    ASSERT_TRUE(vectors["parameters"].contains(item.key())) << item.key();
    EXPECT_EQ(item.value().sizes().vec(),
              vectors["parameters"][item.key()].get<std::vector<std::int64_t>>())
        << item.key();
    const at::Tensor n = torch::arange(item.value().numel(), at::kDouble);
    const auto phase = static_cast<double>(item.key().size());
    at::Tensor value = item.value();
    value.copy_((0.5 * (0.37 * n + phase).sin()).view(value.sizes()));
    ++found;
  }
  EXPECT_EQ(found, vectors["parameters"].size());
  const at::Tensor x =
      (0.05 * torch::arange(2 * 32 * 64, at::kDouble).pow(1.2)).sin().view({1, 2, 32, 64});

  const std::vector<at::Tensor> maps = net->features(x);

  const auto difference = [&](const at::Tensor& map, const char* name) {
    return largest_difference(map.flatten(), golden_tensor(vectors[name]));
  };
  EXPECT_LT(difference(maps[0][0][0], "stage0_first_channel"), 1e-7);
  EXPECT_LT(difference(maps[1], "stage1"), 1e-7);
  EXPECT_LT(difference(maps[2], "stage2"), 1e-7);
  EXPECT_LT(difference(maps[3], "stage3"), 1e-7);
  EXPECT_LT(difference(net->pooled(x), "pooled"), 1e-7);
}

// timm's without their classifier
TEST(Convnext, HasTheParametersOfTheAuthorsSizes) {
  const std::string two = "dimensions: 2, input_channels: 3, size: ";
  EXPECT_EQ(parameters_of(*convnext(two + "tiny")), 27'820'128);
  EXPECT_EQ(parameters_of(*convnext(two + "small")), 49'454'688);
  EXPECT_EQ(parameters_of(*convnext(two + "base")), 87'566'464);
}

TEST(Convnext, HasKernelsOf7In2DAnd5In3D) {
  const std::string small = ", size: custom, depths: [1], dims: [4]";
  const auto kernel = [&](const char* dimensions) {
    return convnext(dimensions + small)->named_parameters()["stages.0.blocks.0.conv_dw.weight"];
  };
  EXPECT_EQ(kernel("dimensions: 2").sizes().vec(), (std::vector<std::int64_t>{4, 1, 7, 7}));
  EXPECT_EQ(kernel("dimensions: 3").sizes().vec(), (std::vector<std::int64_t>{4, 1, 5, 5, 5}));
  EXPECT_EQ(kernel("kernel: 3").sizes().vec(), (std::vector<std::int64_t>{4, 1, 3, 3, 3}));
}

TEST(Convnext, StemStride2GivesATotalStrideOf16) {
  const auto net =
      convnext("stem_stride: 2, size: custom, depths: [1, 1, 1, 1], dims: [4, 4, 4, 4]");

  EXPECT_EQ(net->stages()[0].stride, (std::vector<std::int64_t>{2, 2, 2}));
  EXPECT_EQ(net->stages()[3].stride, (std::vector<std::int64_t>{16, 16, 16}));
}

TEST(Convnext, PoolsToTheStandardisedMeanOfTheLastMap) {
  const auto net = convnext("dimensions: 2, size: custom, depths: [1, 1], dims: [4, 6]");
  const at::Tensor x = torch::randn({3, 1, 16, 24});

  const at::Tensor pooled = net->pooled(x);

  const at::Tensor mean = net->features(x).back().mean(at::IntArrayRef{2, 3});
  EXPECT_TRUE(at::allclose(pooled, at::layer_norm(mean, {6}, {}, {}, 1e-6), 1e-5, 1e-6));
}

TEST(Convnext, DropPathLeavesOutBranchesInTrainingOnlyMaskedOrNot) {
  const std::string options =
      "dimensions: 2, size: custom, depths: [2], dims: [6], layer_scale: 1.0";
  const auto plain = convnext(options);
  const auto net = convnext(options + ", drop_path: 0.5");
  const at::Tensor x = torch::randn({24, 1, 16, 16});
  const Visibility visible(
      torch::tensor({1, 0, 0, 1}, at::kBool).view({1, 1, 2, 2}).expand({24, 1, 2, 2}));
  for (const Visibility* mask : {static_cast<const Visibility*>(nullptr), &visible}) {
    const auto map = [&](Encoder& encoder) {
      return dynamic_cast<MaskableEncoder&>(encoder).features(x, mask)[0].flatten(1);
    };
    plain->eval();
    net->eval();
    EXPECT_TRUE(at::equal(map(*net), map(*plain)));

    plain->train();
    net->train();
    // The first block has rate 0; the second one's branch is missing or doubled in every sample.
    const at::Tensor difference = (map(*net) - map(*plain)).norm(2, 1);
    EXPECT_GT(difference.min().item<double>(), 1e-3);
    EXPECT_FALSE(at::equal(map(*net), map(*net)));
  }
}

TEST(Convnext, InBfloat16KeepsTheSumOfItsBlocksInFloat32) {
  const auto net = convnext("size: custom, depths: [2], dims: [16], layer_scale: 0.5");
  const at::Tensor x = torch::randn({2, 1, 16, 16, 8});
  const Visibility visible(torch::tensor({1, 0, 0, 1}, at::kBool).view({2, 1, 1, 2, 1}));
  for (const Visibility* mask : {static_cast<const Visibility*>(nullptr), &visible}) {
    const auto map = [&] { return dynamic_cast<MaskableEncoder&>(*net).features(x, mask)[0]; };
    const at::Tensor exact = map().detach();

    at::Tensor half;
    {
      const AutocastGuard guard({.bf16 = true, .channels_last = false}, at::kCPU);
      half = map();
    }
    half.square().sum().backward();

    EXPECT_EQ(half.scalar_type(), at::kFloat);
    // Some roundings by 2^-9 of values up to 5.
    EXPECT_LT(largest_difference(half, exact), 0.05);
    EXPECT_GT(largest_difference(half, exact), 0.0);
  }
  EXPECT_TRUE(net->named_parameters()["stages.0.blocks.1.conv_dw.weight"]
                  .grad()
                  .isfinite()
                  .all()
                  .item<bool>());
}

TEST(Convnext, RefusesAnInputWithARemainderThatItWouldNotSee) {
  const auto net = convnext("dimensions: 2, size: custom, depths: [1, 1], dims: [4, 6]");
  try {
    static_cast<void>(net->features(torch::randn({1, 1, 16, 20})));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(),
                ::testing::HasSubstr("stride 8 along every axis, found 20 along spatial axis 1"));
  }
}

TEST(Convnext, RefusesOptionsThatDoNotFitTogether) {
  const auto refusal = [](const std::string& options) -> std::string {
    try {
      static_cast<void>(convnext(options));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "none";
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(refusal("size: custom"), HasSubstr("one entry per stage, found 0 and 0"));
  EXPECT_THAT(refusal("size: custom, depths: [1], dims: [4, 8]"), HasSubstr("found 1 and 2"));
  EXPECT_THAT(refusal("depths: [1], dims: [4]"), HasSubstr("belong to size custom"));
  EXPECT_THAT(refusal("kernel: 4"), HasSubstr("odd"));
  EXPECT_THAT(refusal("stem_stride: 3"), HasSubstr("expected 2 or 4"));
}

}  // namespace
}  // namespace marrow
