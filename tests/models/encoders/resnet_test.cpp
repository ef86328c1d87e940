#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/config/config.h"
#include "core/error.h"
#include "models/encoder.h"
#include "tests/support/golden_tensors.h"

namespace marrow {
namespace {

std::shared_ptr<Encoder> resnet(const std::string& options) {
  Encoders encoders("encoder");
  add_builtin_encoders(encoders);
  torch::manual_seed(1);
  return encoders.find("resnet").make(
      Config::from_text("encoder: {" + options + "}", "test").section("encoder"));
}

std::int64_t parameters_of(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) {
    count += parameter.numel();
  }
  return count;
}

// torchvision's without fc
TEST(Resnet, HasTorchvisionsNumberOfParametersAtEveryDepth) {
  const std::string two = "dimensions: 2, input_channels: 3, depth: ";
  EXPECT_EQ(parameters_of(*resnet(two + "18")), 11'176'512);
  EXPECT_EQ(parameters_of(*resnet(two + "34")), 21'284'672);
  EXPECT_EQ(parameters_of(*resnet(two + "50")), 23'508'032);
  EXPECT_EQ(parameters_of(*resnet(two + "101")), 42'500'160);
}

class ResnetNamesGolden : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {};

// tests/data/golden/resnet_names.json lists named_parameters() of torchvision 0.26 without fc.
TEST_P(ResnetNamesGolden, AreTorchvisionsWhateverTheNorm) {
  const auto& [depth, norm] = GetParam();
  const auto expected = testing::golden("resnet_names")[depth];
  const auto net =
      resnet(std::string("dimensions: 2, input_channels: 3, depth: ") + depth + ", norm: " + norm);

  EXPECT_EQ(net->named_parameters().size(), expected.size());
  for (const auto& item : net->named_parameters()) {
    ASSERT_TRUE(expected.contains(item.key())) << item.key();
    EXPECT_EQ(item.value().sizes().vec(), expected[item.key()].get<std::vector<std::int64_t>>())
        << item.key();
  }
}

INSTANTIATE_TEST_SUITE_P(Depths,
                         ResnetNamesGolden,
                         ::testing::Combine(::testing::Values("18", "50"),
                                            ::testing::Values("batch", "group")));

TEST(Resnet, KeepsTheResolutionAcrossThickSlicesWhenItsStemDoes) {
  const auto net = resnet("depth: 10, width: 8, stem_stride: [1, 2, 2]");

  const std::vector<at::Tensor> maps = net->features(torch::randn({1, 1, 16, 64, 32}));

  EXPECT_EQ(net->stages()[0].stride, (std::vector<std::int64_t>{2, 4, 4}));
  EXPECT_EQ(net->stages()[3].stride, (std::vector<std::int64_t>{16, 32, 32}));
  EXPECT_EQ(maps[0].sizes().vec(), (std::vector<std::int64_t>{1, 8, 8, 16, 8}));
  EXPECT_EQ(maps[3].sizes().vec(), (std::vector<std::int64_t>{1, 64, 1, 2, 1}));
}

TEST(Resnet, RefusesAStemStrideForAnotherNumberOfAxes) {
  try {
    static_cast<void>(resnet("dimensions: 2, stem_stride: [1, 2, 2]"));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("expected one number, or 2"));
  }
}

TEST(Resnet, DropPathActsInTrainingOnly) {
  const std::string options = "dimensions: 2, depth: 18, width: 8, norm: instance";
  const auto plain = resnet(options);
  const auto net = resnet(options + ", drop_path: 0.5");
  const at::Tensor x = torch::randn({4, 1, 64, 64});

  EXPECT_FALSE(at::equal(net->features(x)[3], plain->features(x)[3]));
  net->eval();
  plain->eval();
  EXPECT_TRUE(at::equal(net->features(x)[3], plain->features(x)[3]));
}

}  // namespace
}  // namespace marrow
