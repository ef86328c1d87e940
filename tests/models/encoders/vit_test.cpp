#include "models/encoders/vit.h"

#include <functional>
#include <limits>

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "core/config/config.h"
#include "core/error.h"
#include "models/token_encoder.h"

namespace marrow {
namespace {

using testing::HasSubstr;

std::shared_ptr<TokenEncoder> vit(const std::string& options) {
  at::manual_seed(3);
  const auto encoder = std::dynamic_pointer_cast<TokenEncoder>(make_vit(
      Config::from_text("encoder: {size: custom, width: 24, depth: 4, heads: 2, " + options + "}",
                        "test")
          .section("encoder")));
  encoder->eval();
  return encoder;
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

constexpr const char* kSmall3d = "dimensions: 3, patch: [4, 8, 8], image_size: [8, 16, 24]";

TEST(Vit, EncodingEveryPatchGivesTheLastMap) {
  at::NoGradGuard no_grad;
  const auto encoder = vit(kSmall3d);
  const at::Tensor x = at::randn({2, 1, 8, 16, 24});

  const at::Tensor tokens =
      encoder->encode(x, at::arange(12, at::kLong).expand({2, 12})).slice(1, 1);

  const at::Tensor map = encoder->features(x).back().flatten(2).transpose(1, 2);
  EXPECT_LT((tokens - map).abs().max().item<double>(), 1e-5);
}

TEST(Vit, TokensComeInTheOrderOfTheKeptPatches) {
  at::NoGradGuard no_grad;
  const auto encoder = vit(kSmall3d);
  const at::Tensor x = at::randn({1, 1, 8, 16, 24});

  const at::Tensor some = encoder->encode(x, at::tensor({7, 2, 11}, at::kLong).view({1, 3}));
  const at::Tensor turned = encoder->encode(x, at::tensor({11, 7, 2}, at::kLong).view({1, 3}));

  ASSERT_EQ(some.sizes(), at::IntArrayRef({1, 4, 24}));
  EXPECT_LT((some[0][0] - turned[0][0]).abs().max().item<double>(), 1e-5);
  EXPECT_LT((some[0][1] - turned[0][2]).abs().max().item<double>(), 1e-5);
  EXPECT_LT((some[0][3] - turned[0][1]).abs().max().item<double>(), 1e-5);
}

TEST(Vit, PatchesThatAreNotKeptChangeNothingEvenIfTheyAreNan) {
  at::NoGradGuard no_grad;
  const auto encoder = vit(kSmall3d);
  const at::Tensor x = at::randn({1, 1, 8, 16, 24});
  at::Tensor poisoned = at::full_like(x, std::numeric_limits<float>::quiet_NaN());
  // Patch 7 of the 2 x 2 x 3 grid is (d, h, w) = (1, 0, 1).
  poisoned.slice(2, 4, 8).slice(3, 0, 8).slice(4, 8, 16).copy_(
      x.slice(2, 4, 8).slice(3, 0, 8).slice(4, 8, 16));
  const at::Tensor kept = at::full({1, 1}, 7, at::kLong);

  EXPECT_TRUE(at::equal(encoder->encode(x, kept), encoder->encode(poisoned, kept)));
}

TEST(Vit, MakesFixedPositionsForTheGridOfTheInput) {
  at::NoGradGuard no_grad;
  const auto made_for_it = vit("dimensions: 2, patch: [4], image_size: [8, 16]");
  const auto made_for_another = vit("dimensions: 2, patch: [4], image_size: [24]");
  const at::Tensor x = at::randn({1, 1, 8, 16});

  EXPECT_TRUE(at::equal(made_for_it->features(x).back(), made_for_another->features(x).back()));
}

TEST(Vit, InterpolatesLearnedPositionsForAnotherGrid) {
  at::NoGradGuard no_grad;
  const auto encoder =
      vit("dimensions: 3, patch: [4], image_size: [8], positions: learned, class_token: false");
  const at::Tensor x = at::randn({1, 1, 16, 8, 8});
  const at::Tensor before = encoder->features(x).back();

  at::Tensor positions = encoder->named_parameters()["pos_embed"];
  positions.copy_(positions.slice(1, 0, 1).expand_as(positions).clone());
  const at::Tensor even = encoder->features(x).back();
  const at::Tensor even_input = encoder->features(at::zeros_like(x)).back();

  EXPECT_EQ(before.sizes(), at::IntArrayRef({1, 24, 4, 2, 2}));
  EXPECT_GT((before - even).abs().max().item<double>(), 1e-4);
  // Where all positions are one vector every token of an even input is the same, on any grid.
  EXPECT_LT((even_input - even_input.slice(2, 0, 1).slice(3, 0, 1).slice(4, 0, 1))
                .abs()
                .max()
                .item<double>(),
            1e-5);
}

TEST(Vit, FixedPositionsAreNotTrainedButKept) {
  const auto encoder = vit("dimensions: 2, patch: [4], image_size: [8, 16]");

  EXPECT_FALSE(encoder->named_parameters().contains("pos_embed"));
  const at::Tensor positions = encoder->named_buffers()["pos_embed"];
  ASSERT_EQ(positions.sizes(), at::IntArrayRef({1, 9, 24}));
  EXPECT_EQ(positions[0][0].abs().max().item<float>(), 0.0F);
  EXPECT_GT(positions[0][8].abs().max().item<float>(), 0.5F);
}

TEST(Vit, TakesFourEvenlySpacedBlocksAsMaps) {
  const auto encoder = make_vit(
      Config::from_text("encoder: {size: tiny, dimensions: 2}", "test").section("encoder"));

  ASSERT_EQ(encoder->stages().size(), 4U);
  EXPECT_EQ(encoder->stages()[0].channels, 192);
  EXPECT_EQ(encoder->stages()[3].stride, (std::vector<std::int64_t>{16, 16}));
}

TEST(Vit, StochasticDepthActsInTrainingOnly) {
  at::NoGradGuard no_grad;
  const auto encoder = vit("dimensions: 2, patch: [4], image_size: [8], drop_path: 0.5");
  const at::Tensor x = at::randn({8, 1, 8, 8});

  const at::Tensor calm = encoder->features(x).back();
  EXPECT_TRUE(at::equal(calm, encoder->features(x).back()));
  encoder->train();
  EXPECT_FALSE(at::equal(calm, encoder->features(x).back()));
}

TEST(Vit, RefusesWhatDoesNotFitTogether) {
  EXPECT_THAT(refusal([] { (void)vit("dimensions: 2, patch: [4, 4, 4]"); }),
              HasSubstr("vit.patch: expected 1 or 2 numbers, found 3"));
  EXPECT_THAT(refusal([] { (void)vit("dimensions: 2, patch: [5]"); }),
              HasSubstr("vit.image_size: expected a multiple of the patch 5"));
  EXPECT_THAT(refusal([] { (void)vit("pool: class, class_token: false"); }), HasSubstr("vit.pool"));
  EXPECT_THAT(refusal([] { (void)vit("feature_blocks: [1, 3]"); }),
              HasSubstr("the last to be block 4"));
  EXPECT_THAT(refusal([] { (void)vit("feature_blocks: [3, 3, 4]"); }), HasSubstr("rising"));
}

TEST(Vit, RefusesHeadsThatDoNotDivideTheWidth) {
  EXPECT_THAT(refusal([] {
                (void)make_vit(Config::from_text(
                                   "encoder: {size: custom, width: 24, depth: 1, heads: 5}", "test")
                                   .section("encoder"));
              }),
              HasSubstr("5 heads do not divide a width of 24"));
}

TEST(Vit, SaysWhichAxisOfAnInputDoesNotFit) {
  const auto encoder = vit(kSmall3d);

  EXPECT_THAT(refusal([&] {
                (void)encoder->features(at::zeros({1, 1, 8, 20, 24}));
              }),
              HasSubstr("20 voxels along spatial axis 1 must be a multiple of the encoder's stride "
                        "8; change data.patch_size"));
  EXPECT_THAT(refusal([&] {
                (void)encoder->features(at::zeros({1, 3, 8, 16, 24}));
              }),
              HasSubstr("expected 1 channels on 3 spatial axes"));
}

}  // namespace
}  // namespace marrow
