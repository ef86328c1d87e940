#include "models/heads/unet_decoder.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "core/error.h"
#include "models/head.h"

namespace marrow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Shape = std::vector<std::int64_t>;

// Random maps of the given stages for an input of `size`, rounded up as padded convolutions do.
std::vector<at::Tensor> maps_for(const std::vector<Encoder::Stage>& stages, const Shape& size) {
  std::vector<at::Tensor> maps;
  for (const Encoder::Stage& stage : stages) {
    Shape shape{2, stage.channels};
    for (std::size_t a = 0; a < size.size(); ++a) {
      shape.push_back((size[a] + stage.stride[a] - 1) / stage.stride[a]);
    }
    maps.push_back(at::randn(shape).requires_grad_());
  }
  return maps;
}

HeadInput pyramid() {
  return {{{6, {1, 1, 1}}, {8, {1, 2, 2}}, {12, {2, 4, 4}}, {16, {4, 8, 4}}}, 3, 3};
}

TEST(UnetDecoder, ScoresTheInputGridFromAnisotropicStages) {
  const HeadInput input = pyramid();
  const auto head = make_unet_decoder({}, input);
  head->eval();

  const auto scores = head->logits(maps_for(input.stages, {8, 24, 16}), {8, 24, 16});

  ASSERT_EQ(scores.size(), 1U);
  EXPECT_THAT(scores[0].sizes().vec(), ElementsAre(2, 3, 8, 24, 16));
}

TEST(UnetDecoder, ScoresCoarserMapsWhileTrainingButNotTheCoarsest) {
  const HeadInput input = pyramid();
  const auto head = make_unet_decoder({}, input);

  const auto scores = head->logits(maps_for(input.stages, {8, 24, 16}), {8, 24, 16});

  ASSERT_EQ(scores.size(), 2U);
  EXPECT_THAT(scores[0].sizes().vec(), ElementsAre(2, 3, 8, 24, 16));
  EXPECT_THAT(scores[1].sizes().vec(), ElementsAre(2, 3, 8, 12, 8));
}

TEST(UnetDecoder, ScoresOneMapWithoutDeepSupervision) {
  const HeadInput input = pyramid();
  UnetDecoderOptions options;
  options.deep_supervision = false;

  const auto scores =
      make_unet_decoder(options, input)->logits(maps_for(input.stages, {8, 24, 16}), {8, 24, 16});

  EXPECT_EQ(scores.size(), 1U);
}

TEST(UnetDecoder, ServesTwoDimensionalEncoders) {
  const HeadInput input{{{6, {1, 1}}, {8, {2, 2}}, {12, {4, 8}}}, 2, 4};

  const auto scores =
      make_unet_decoder({}, input)->logits(maps_for(input.stages, {20, 32}), {20, 32});

  EXPECT_THAT(scores[0].sizes().vec(), ElementsAre(2, 4, 20, 32));
}

TEST(UnetDecoder, BringsAStemThatStridesBackToTheInputGrid) {
  const HeadInput input{{{16, {2, 4, 4}}, {24, {4, 8, 8}}}, 3, 2};
  const auto head = make_unet_decoder({}, input);
  head->eval();

  const auto scores = head->logits(maps_for(input.stages, {8, 24, 16}), {8, 24, 16});

  EXPECT_THAT(scores[0].sizes().vec(), ElementsAre(2, 2, 8, 24, 16));
}

TEST(UnetDecoder, FitsMapsThatTheEncoderRoundedUpOrDown) {
  const HeadInput input{{{6, {2, 2}}, {8, {4, 4}}}, 2, 2};
  const auto head = make_unet_decoder({}, input);
  head->eval();

  const auto up = head->logits({at::randn({1, 6, 7, 6}), at::randn({1, 8, 4, 3})}, {13, 11});
  const auto down = head->logits({at::randn({1, 6, 6, 5}), at::randn({1, 8, 3, 2})}, {13, 11});

  EXPECT_THAT(up[0].sizes().vec(), ElementsAre(1, 2, 13, 11));
  EXPECT_THAT(down[0].sizes().vec(), ElementsAre(1, 2, 13, 11));
}

TEST(UnetDecoder, UsesEveryMapAndEveryParameter) {
  const HeadInput input = pyramid();
  const auto head = make_unet_decoder({}, input);
  const auto maps = maps_for(input.stages, {8, 24, 16});

  at::Tensor sum = at::zeros({});
  for (const at::Tensor& scores : head->logits(maps, {8, 24, 16})) {
    sum = sum + scores.square().sum();
  }
  sum.backward();

  for (const at::Tensor& map : maps) {
    EXPECT_GT(map.grad().abs().max().item<float>(), 0.0F);
  }
  for (const auto& parameter : head->named_parameters()) {
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_GT(parameter.value().grad().abs().max().item<float>(), 0.0F) << parameter.key();
  }
}

TEST(UnetDecoder, GivesTheSameScoresForChannelsLastMaps) {
  const HeadInput input = pyramid();
  const auto head = make_unet_decoder({}, input);
  head->eval();
  const auto maps = maps_for(input.stages, {8, 24, 16});
  std::vector<at::Tensor> last;
  for (const at::Tensor& map : maps) {
    last.push_back(map.contiguous(at::MemoryFormat::ChannelsLast3d));
  }

  const at::Tensor a = head->logits(maps, {8, 24, 16})[0];
  const at::Tensor b = head->logits(last, {8, 24, 16})[0];

  EXPECT_LT((a - b).abs().max().item<float>(),
            1e-4F);  // sums of up to 378 products in another order
}

TEST(UnetDecoder, TakesWidthsFinestFirst) {
  const HeadInput input = pyramid();
  UnetDecoderOptions options;
  options.widths = {5, 7, 9};
  options.norm = "batch";
  options.activation = "relu";
  options.convs = 2;
  const auto head = make_unet_decoder(options, input);

  const auto parameters = head->named_parameters();

  EXPECT_THAT(parameters["scores0.weight"].sizes().vec(), ElementsAre(3, 5, 1, 1, 1));
  EXPECT_THAT(parameters["up2.weight"].sizes().vec(), ElementsAre(16, 9, 2, 2, 1));
  EXPECT_THAT(parameters["conv1_0.conv.weight"].sizes().vec(), ElementsAre(7, 7 + 8, 3, 3, 3));
  EXPECT_THAT(parameters["conv0_1.conv.weight"].sizes().vec(), ElementsAre(5, 5, 3, 3, 3));
}

TEST(UnetDecoder, ScoresASingleStageDirectly) {
  const HeadInput input{{{6, {1, 1}}}, 2, 3};

  const auto scores = make_unet_decoder({}, input)->logits({at::randn({1, 6, 5, 4})}, {5, 4});

  ASSERT_EQ(scores.size(), 1U);
  EXPECT_THAT(scores[0].sizes().vec(), ElementsAre(1, 3, 5, 4));
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

TEST(UnetDecoder, RefusesStagesThatAreNoPyramid) {
  const HeadInput input{{{6, {2, 2}}, {8, {3, 4}}}, 2, 2};

  EXPECT_THAT(refusal([&] { (void)make_unet_decoder({}, input); }), HasSubstr("stride 3x4"));
}

TEST(UnetDecoder, RefusesTheWrongNumberOfWidths) {
  UnetDecoderOptions options;
  options.widths = {4, 8};

  EXPECT_THAT(refusal([&] { (void)make_unet_decoder(options, pyramid()); }),
              HasSubstr("widths has 2 entries"));
}

TEST(UnetDecoder, RefusesMapsOfAnotherEncoder) {
  const HeadInput input{{{6, {1, 1}}, {8, {2, 2}}}, 2, 2};
  const auto head = make_unet_decoder({}, input);

  EXPECT_THAT(refusal([&] {
                (void)head->logits({at::randn({1, 6, 8, 8})}, {8, 8});
              }),
              HasSubstr("expected 2 feature maps"));
  EXPECT_THAT(refusal([&] {
                (void)head->logits({at::randn({1, 6, 8, 8}), at::randn({1, 9, 4, 4})}, {8, 8});
              }),
              HasSubstr("1x9x4x4"));
}

TEST(BuiltinHeads, MakeADecoderFromItsSection) {
  Heads heads("head");
  add_builtin_heads(heads);

  const auto head = heads.find("unet_decoder")
                        .make(ConfigSection("head").with("deep_supervision", "false"), pyramid());

  EXPECT_EQ(head->logits(maps_for(pyramid().stages, {4, 8, 8}), {4, 8, 8}).size(), 1U);
}

}  // namespace
}  // namespace marrow
