#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/error.h"
#include "models/encoder.h"
#include "models/layers/visibility.h"

namespace marrow {
namespace {

struct Small {
  std::string part;
  std::string yaml;
  std::vector<std::int64_t> input;
};

const Encoders& table() {
  static const Encoders kTable = [] {
    Encoders encoders("encoder");
    add_builtin_encoders(encoders);
    return encoders;
  }();
  return kTable;
}

std::shared_ptr<Encoder> make(const Small& small) {
  torch::manual_seed(1);
  return table().find(small.part).make(Config::from_text(small.yaml, "test").section("encoder"));
}

class EncoderContract : public ::testing::TestWithParam<Small> {};

TEST_P(EncoderContract, GivesOneMapPerStageOfThePromisedSize) {
  const auto encoder = make(GetParam());
  const std::vector<at::Tensor> maps = encoder->features(torch::randn(GetParam().input));

  ASSERT_EQ(maps.size(), encoder->stages().size());
  for (std::size_t s = 0; s < maps.size(); ++s) {
    EXPECT_EQ(maps[s].size(1), encoder->stages()[s].channels);
    for (std::int64_t axis = 2; axis < maps[s].dim(); ++axis) {
      EXPECT_EQ(maps[s].size(axis),
                GetParam().input[static_cast<std::size_t>(axis)] /
                    encoder->stages()[s].stride[static_cast<std::size_t>(axis - 2)]);
    }
  }
}

TEST_P(EncoderContract, AnInputThatTheStrideDoesNotDivideIsRefusedOrSeenWhole) {
  const auto encoder = make(GetParam());
  std::vector<std::int64_t> odd = GetParam().input;
  odd.back() -= 3;
  const at::Tensor x = torch::randn(odd);
  try {
    torch::manual_seed(2);  // drop-path draws
    const at::Tensor deepest = encoder->features(x).back();
    torch::manual_seed(2);
    EXPECT_TRUE(torch::equal(deepest, encoder->features(x).back()));
    EXPECT_LT(deepest.abs().max().item<double>(), 1e3);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("multiple of the encoder's stride"));
  }
}

TEST_P(EncoderContract, EveryParameterGetsAGradient) {
  const auto encoder = make(GetParam());
  encoder->train();
  const at::Tensor x = torch::randn(GetParam().input);
  const std::vector<at::Tensor> maps = encoder->features(x);
  const at::Tensor pooled = encoder->pooled(x);  // may have parameters of its own
  at::Tensor loss = (pooled * torch::randn_like(pooled)).sum();
  for (const at::Tensor& map : maps) {
    loss = loss + (map * torch::randn_like(map)).sum();
  }
  // Some parameters serve the maps alone and some the pooled row.
  const at::Tensor pooled = encoder->pooled(torch::randn(GetParam().input));
  loss = loss + (pooled * torch::randn_like(pooled)).sum();
  loss.backward();

  for (const auto& item : encoder->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0.0) << item.key();
  }
}

TEST_P(EncoderContract, PoolsOneRowPerSample) {
  const auto encoder = make(GetParam());

  const at::Tensor row = encoder->pooled(torch::randn(GetParam().input));

  EXPECT_EQ(row.sizes(), at::IntArrayRef({GetParam().input[0], encoder->stages().back().channels}));
}

TEST_P(EncoderContract, TheSameSeedMakesTheSameNetwork) {
  const auto a = make(GetParam());
  const auto b = make(GetParam());
  for (const auto& item : a->named_parameters()) {
    EXPECT_TRUE(at::equal(item.value(), b->named_parameters()[item.key()])) << item.key();
  }
}

// A pattern of visible cells with the same number in every row.
Visibility some_visible(const Encoder& encoder, const std::vector<std::int64_t>& input) {
  std::vector<std::int64_t> shape = {input[0], 1};
  std::int64_t cells = 1;
  for (std::size_t axis = 2; axis < input.size(); ++axis) {
    shape.push_back(input[axis] / encoder.stages().back().stride[axis - 2]);
    cells *= shape.back();
  }
  at::Tensor grid = torch::zeros({input[0], cells}, at::kBool);
  for (std::int64_t row = 0; row < input[0]; ++row) {
    for (std::int64_t n = 0; n < (cells + 1) / 2; ++n) {
      grid[row][(2 * n + row) % cells] = true;
    }
  }
  return Visibility(grid.reshape(shape));
}

TEST_P(EncoderContract, HiddenVoxelsChangeNothingAtAnyLayerEvenIfTheyAreNan) {
  const auto encoder = std::dynamic_pointer_cast<MaskableEncoder>(make(GetParam()));
  if (encoder == nullptr) {
    GTEST_SKIP() << GetParam().part << " cannot be masked";
  }
  const Visibility visible = some_visible(*encoder, GetParam().input);
  const at::Tensor x = torch::randn(GetParam().input);
  const at::Tensor& mask = visible.at_size(x.sizes().slice(2));
  for (const bool training : {false, true}) {
    encoder->train(training);
    torch::manual_seed(2);
    const auto clean = encoder->features(x, &visible);
    for (const double poison :
         {1e6, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      torch::manual_seed(2);
      const auto poisoned = encoder->features(at::where(mask, x, at::full({}, poison)), &visible);
      for (std::size_t s = 0; s < clean.size(); ++s) {
        EXPECT_TRUE(at::equal(clean[s], poisoned[s])) << "stage " << s;
        const at::Tensor outside =
            at::where(visible.at_size(clean[s].sizes().slice(2)), at::zeros({}), clean[s]);
        EXPECT_EQ(outside.abs().max().item<double>(), 0.0)
            << "stage " << s << " is not 0 where hidden";
      }
    }
  }
}

TEST_P(EncoderContract, NoGradientReachesHiddenVoxels) {
  const auto encoder = std::dynamic_pointer_cast<MaskableEncoder>(make(GetParam()));
  if (encoder == nullptr) {
    GTEST_SKIP() << GetParam().part << " cannot be masked";
  }
  const Visibility visible = some_visible(*encoder, GetParam().input);
  const at::Tensor x = torch::randn(GetParam().input).requires_grad_();
  const auto maps = encoder->features(x, &visible);
  at::Tensor loss = (maps[0] * torch::randn_like(maps[0])).sum();
  for (std::size_t s = 1; s < maps.size(); ++s) {
    loss = loss + (maps[s] * torch::randn_like(maps[s])).sum();
  }
  loss.backward();

  const at::Tensor& mask = visible.at_size(x.sizes().slice(2));
  EXPECT_EQ(at::where(mask, at::zeros({}), x.grad()).abs().max().item<double>(), 0.0);
  EXPECT_GT(x.grad().abs().max().item<double>(), 0.0);
}

TEST_P(EncoderContract, AnAllVisibleMaskEqualsTheDenseNetwork) {
  const auto encoder = std::dynamic_pointer_cast<MaskableEncoder>(make(GetParam()));
  if (encoder == nullptr) {
    GTEST_SKIP() << GetParam().part << " cannot be masked";
  }
  encoder->to(at::kDouble);
  std::vector<std::int64_t> shape = {GetParam().input[0], 1};
  shape.insert(shape.end(), GetParam().input.size() - 2, 1);
  const Visibility all(torch::ones(shape, at::kBool));
  const at::Tensor x = torch::randn(GetParam().input, at::kDouble);
  for (const bool training : {false, true}) {
    encoder->train(training);
    torch::manual_seed(2);
    const auto dense = encoder->features(x, nullptr);
    torch::manual_seed(2);
    const auto masked = encoder->features(x, &all);
    for (std::size_t s = 0; s < dense.size(); ++s) {
      EXPECT_LT((dense[s] - masked[s]).abs().max().item<double>(), 1e-9) << "stage " << s;
    }
  }
}

TEST_P(EncoderContract, RefusesEveryOptionOutOfItsRange) {
  for (const OptionDescription& field :
       table().find(GetParam().part).describe(ConfigSection("encoder"))) {
    if (field.allowed == "any") {
      continue;
    }
    const std::string wrong = field.type.starts_with("list") ? "[-7]"
                              : field.type == "word"         ? "nonsense"
                                                             : "-7";
    EXPECT_THROW(static_cast<void>(table()
                                       .find(GetParam().part)
                                       .describe(ConfigSection("encoder").with(field.name, wrong))),
                 Error)
        << field.name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Builtin,
    EncoderContract,
    ::testing::Values(
        Small{
            "resenc_unet",
            "encoder: {dimensions: 3, features: [4, 6, 8], strides: [1, 2, 2], blocks: [1, 2, 1]}",
            {2, 1, 8, 12, 16}},
        Small{"resenc_unet",
              "encoder: {dimensions: 3, features: [5, 7], strides: [2, 2], blocks: [1, 1], norm: "
              "batch}",
              {2, 1, 8, 12, 8}},
        Small{"resenc_unet",
              "encoder: {dimensions: 2, input_channels: 3, features: [4, 8], strides: [2, 2], "
              "blocks: [1, 1]}",
              {2, 3, 16, 24}},
        Small{"resenc_unet",
              "encoder: {dimensions: 3, features: [6, 12], strides: [1, 2], blocks: [0, 2], norm: "
              "group, norm_groups: 3, drop_path: 0.2}",
              {2, 1, 4, 8, 8}},
        Small{"resenc_unet",
              "encoder: {dimensions: 2, features: [4, 8], strides: [2, 2], blocks: [1, 1], norm: "
              "layer}",
              {2, 1, 16, 24}},
        // A layer scale of 1e-6 would hide what a branch does wrong.
        Small{"convnext",
              "encoder: {dimensions: 2, input_channels: 2, size: custom, depths: [1, 2, 1], dims: "
              "[4, 6, 8], layer_scale: 0.5, drop_path: 0.2}",
              {2, 2, 32, 48}},
        Small{"convnext",
              "encoder: {dimensions: 3, stem_stride: 2, size: custom, depths: [1, 1], dims: [4, "
              "6], kernel: 3, layer_scale: 0}",
              {2, 1, 8, 12, 16}},
        Small{"convnext",
              "encoder: {dimensions: 3, size: custom, depths: [1, 1], dims: [5, 8]}",
              {2, 1, 16, 8, 24}},
        Small{"resnet", "encoder: {dimensions: 3, depth: 10, width: 8}", {2, 1, 64, 64, 32}},
        Small{"resnet",
              "encoder: {dimensions: 2, depth: 10, width: 8, norm: group, norm_groups: 4}",
              {2, 1, 64, 32}},
        Small{"resnet",
              "encoder: {dimensions: 2, depth: 50, width: 8, norm: instance, drop_path: 0.2}",
              {2, 1, 64, 96}},
        Small{"resnet",
              "encoder: {dimensions: 3, depth: 10, width: 8, norm: layer, stem_stride: [1, 2, 2]}",
              {2, 1, 32, 64, 32}},
        Small{"resnet", "encoder: {dimensions: 2, depth: 50, width: 8}", {2, 1, 64, 96}},
        Small{"resnet",
              "encoder: {dimensions: 2, depth: 18, width: 8, last_stride: 1}",
              {2, 1, 64, 32}},
        Small{"vit",
              "encoder: {dimensions: 2, size: custom, width: 24, depth: 3, heads: 2, patch: [8], "
              "image_size: [32]}",
              {2, 1, 32, 48}},
        Small{"vit",
              "encoder: {dimensions: 3, input_channels: 2, size: custom, width: 26, depth: 5, "
              "heads: 2, patch: [4, 8, 8], image_size: [8, 16, 24], positions: learned, pool: "
              "class, layer_scale: 0.1, feature_blocks: [2, 5]}",
              {2, 2, 8, 16, 24}},
        Small{"vit",
              "encoder: {dimensions: 3, size: custom, width: 24, depth: 2, heads: 2, patch: [8], "
              "image_size: [16], class_token: false, drop_path: 0.1}",
              {2, 1, 16, 24, 8}}));

TEST(Encoders, NameTheNearestPartForAWrongName) {
  try {
    static_cast<void>(table().find("resenc_unt"));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("did you mean \"resenc_unet\""), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace marrow
