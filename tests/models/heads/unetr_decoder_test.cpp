#include "models/heads/unetr_decoder.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "core/error.h"
#include "models/head.h"

namespace marrow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

HeadInput transformer(std::vector<std::int64_t> patch, std::size_t maps = 4) {
  const auto dimensions = static_cast<int>(patch.size());
  return {std::vector<Encoder::Stage>(maps, {12, std::move(patch)}), dimensions, 3};
}

std::vector<at::Tensor> maps_of(const HeadInput& input, const std::vector<std::int64_t>& size) {
  std::vector<at::Tensor> maps;
  for (const Encoder::Stage& stage : input.stages) {
    std::vector<std::int64_t> shape = {2, stage.channels};
    for (std::size_t axis = 0; axis < size.size(); ++axis) {
      shape.push_back(size[axis] / stage.stride[axis]);
    }
    maps.push_back(at::randn(shape).requires_grad_());
  }
  return maps;
}

struct UnetrCase {
  std::vector<std::int64_t> patch;
  std::size_t maps;
  std::vector<std::int64_t> size;
};

class UnetrDecoderShapes : public ::testing::TestWithParam<UnetrCase> {};

TEST_P(UnetrDecoderShapes, ScoresTheInputGridAndUsesEveryMapAndParameter) {
  at::manual_seed(1);
  const HeadInput input = transformer(GetParam().patch, GetParam().maps);
  UnetrDecoderOptions options;
  options.width = 4;
  const auto head = make_unetr_decoder(options, input);
  const auto maps = maps_of(input, GetParam().size);

  const auto scores = head->logits(maps, GetParam().size);
  (scores.at(0) * at::randn_like(scores[0])).sum().backward();

  ASSERT_EQ(scores.size(), 1U);
  std::vector<std::int64_t> expected = {2, 3};
  expected.insert(expected.end(), GetParam().size.begin(), GetParam().size.end());
  EXPECT_EQ(scores[0].sizes().vec(), expected);
  for (const at::Tensor& map : maps) {
    EXPECT_GT(map.grad().abs().max().item<float>(), 0.0F);
  }
  for (const auto& parameter : head->named_parameters()) {
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_GT(parameter.value().grad().abs().max().item<float>(), 0.0F) << parameter.key();
  }
}

INSTANTIATE_TEST_SUITE_P(Patches,
                         UnetrDecoderShapes,
                         ::testing::Values(UnetrCase{{16, 16}, 4, {32, 64}},
                                           UnetrCase{{8, 8}, 4, {16, 24}},
                                           UnetrCase{{2, 2}, 4, {6, 8}},
                                           UnetrCase{{8, 8, 8}, 4, {16, 8, 24}},
                                           UnetrCase{{2, 8, 4}, 4, {4, 16, 12}},
                                           UnetrCase{{1, 4, 4}, 2, {3, 8, 12}},
                                           UnetrCase{{4, 4}, 1, {8, 4}}));

TEST(UnetrDecoder, HasUnetrsWidthsAndWaysOfItsSkips) {
  const auto parameters = make_unetr_decoder({}, transformer({16, 16}))->named_parameters();

  EXPECT_THAT(parameters["up0.weight"].sizes().vec(), ElementsAre(12, 128, 2, 2));
  EXPECT_THAT(parameters["up3.weight"].sizes().vec(), ElementsAre(32, 16, 2, 2));
  EXPECT_THAT(parameters["conv1_0.conv.weight"].sizes().vec(), ElementsAre(64, 128, 3, 3));
  EXPECT_THAT(parameters["conv3_0.conv.weight"].sizes().vec(), ElementsAre(16, 16, 3, 3));
  // The map of the first blocks goes the longest way.
  EXPECT_TRUE(parameters.contains("skip0_up2.weight"));
  EXPECT_FALSE(parameters.contains("skip0_up3.weight"));
  EXPECT_TRUE(parameters.contains("skip2_up0.weight"));
  EXPECT_FALSE(parameters.contains("skip2_up1.weight"));
}

TEST(UnetrDecoder, LeavesAShortAxisAloneOnceItIsOnTheGridOfTheInput) {
  const auto parameters = make_unetr_decoder({}, transformer({2, 8, 8}))->named_parameters();

  EXPECT_THAT(parameters["up0.weight"].sizes().vec(), ElementsAre(12, 64, 2, 2, 2));
  EXPECT_THAT(parameters["up1.weight"].sizes().vec(), ElementsAre(64, 32, 1, 2, 2));
  EXPECT_THAT(parameters["up2.weight"].sizes().vec(), ElementsAre(32, 16, 1, 2, 2));
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

TEST(UnetrDecoder, RefusesStridesThatItCannotDoubleUpTo) {
  EXPECT_THAT(refusal([] {
                (void)make_unetr_decoder({}, transformer({14, 14}));
              }),
              HasSubstr("found 14x14; choose such an encoder.patch"));
  EXPECT_THAT(refusal([] {
                (void)make_unetr_decoder({}, transformer({1, 1}));
              }),
              HasSubstr("more than 1 along one"));
  HeadInput pyramid = transformer({4, 4});
  pyramid.stages[0].stride = {2, 2};
  EXPECT_THAT(refusal([&] { (void)make_unetr_decoder({}, pyramid); }),
              HasSubstr("stages of one stride"));
}

TEST(UnetrDecoder, RefusesMapsOfAnotherEncoder) {
  const HeadInput input = transformer({4, 4});
  const auto head = make_unetr_decoder({}, input);

  EXPECT_THAT(refusal([&] {
                (void)head->logits({at::randn({1, 12, 2, 2})}, {8, 8});
              }),
              HasSubstr("expected 4 feature maps"));
  EXPECT_THAT(refusal([&] {
                (void)head->logits(maps_of(input, {8, 12}), {8, 8});
              }),
              HasSubstr("feature map 0 is 2x12x2x3, expected 2x12x2x2"));
}

TEST(UnetrDecoder, IsMadeFromItsSection) {
  Heads heads("head");
  add_builtin_heads(heads);

  const auto head = heads.find("unetr_decoder")
                        .make(ConfigSection("head").with("width", "5"), transformer({4, 4}));

  EXPECT_THAT(head->named_parameters()["scores.weight"].sizes().vec(), ElementsAre(3, 5, 1, 1));
}

}  // namespace
}  // namespace marrow
