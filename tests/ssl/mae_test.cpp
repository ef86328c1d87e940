#include "ssl/mae.h"

#include <functional>
#include <string>

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "core/config/config.h"
#include "core/error.h"
#include "models/encoder.h"
#include "models/training/optimizer.h"
#include "ssl/mae_decoder.h"
#include "ssl/masking.h"
#include "ssl/ssl_method.h"

namespace marrow {
namespace {

using testing::HasSubstr;

constexpr const char* kVit3d =
    "{name: vit, dimensions: 3, size: custom, width: 48, depth: 2, heads: 3, patch: [4, 8, 8], "
    "image_size: [16]}";
constexpr const char* kVit2d =
    "{name: vit, dimensions: 2, size: custom, width: 48, depth: 2, heads: 3, patch: [4], "
    "image_size: [16], class_token: false}";

std::shared_ptr<SslMethod> mae(const std::string& encoder, const std::string& options) {
  at::manual_seed(1);
  Encoders encoders("encoder");
  add_builtin_encoders(encoders);
  SslMethods methods("method");
  add_builtin_methods(methods);
  const Config config =
      Config::from_text("encoder: " + encoder +
                            "\nmethod: {name: mae, decoder_width: 32, decoder_depth: 1, "
                            "decoder_heads: 2" +
                            options + "}\n",
                        "test");
  const ConfigSection section = config.section("encoder");
  return methods.find("mae").make(config.section("method"),
                                  encoders.find(section.part_name("vit")).make(section));
}

// Something smooth, which can be guessed from its surroundings.
Batch one_batch(std::int64_t dimensions) {
  const at::Tensor axis = at::linspace(-3, 3, 16);
  const at::Tensor slice = axis.sin().view({16, 1}) + (axis * 2).cos().view({1, 16});
  const at::Tensor wave =
      dimensions == 2 ? slice : slice.unsqueeze(0) + (axis * 1.5).sin().view({16, 1, 1});
  Batch batch;
  batch.views = {at::stack({wave, wave.flip(0)}).unsqueeze(1)};
  batch.seed = 5;
  return batch;
}

struct MaeCase {
  const char* encoder;
  std::int64_t dimensions;
};

class MaeMethod : public ::testing::TestWithParam<MaeCase> {};

TEST_P(MaeMethod, LearnsToRestoreOneBatch) {
  const auto method = mae(GetParam().encoder, "");
  AdamW optimizer(*method, {0.9, 0.95, 1e-8});
  const Batch batch = one_batch(GetParam().dimensions);
  double first = 0;
  double last = 0;

  for (int step = 0; step < 100; ++step) {
    const StepResult result = method->step(batch);
    last = result.loss.item<double>();
    first = step == 0 ? last : first;
    optimizer.zero_gradients();
    result.loss.backward();
    optimizer.step(3e-3, 0.0);
  }

  EXPECT_GT(first, 0.8);
  EXPECT_LT(last, 0.1 * first);
}

TEST_P(MaeMethod, EveryParameterOfTheTokensGetsAGradient) {
  const auto method = mae(GetParam().encoder, "");

  method->step(one_batch(GetParam().dimensions)).loss.backward();

  for (const auto& item : method->named_parameters()) {
    // The norm of the pooled row has no part in the pretraining.
    EXPECT_EQ(item.value().grad().defined(), !item.key().starts_with("encoder.fc_norm"))
        << item.key();
  }
}

TEST_P(MaeMethod, TheSeedOfTheBatchAloneChoosesTheMask) {
  const auto method = mae(GetParam().encoder, "");
  method->eval();
  Batch batch = one_batch(GetParam().dimensions);

  at::manual_seed(1);
  const at::Tensor once = method->reconstruct(batch)[0].hidden;
  at::manual_seed(2);
  const at::Tensor again = method->reconstruct(batch)[0].hidden;
  batch.seed = 6;
  const at::Tensor other = method->reconstruct(batch)[0].hidden;

  EXPECT_TRUE(at::equal(once, again));
  EXPECT_FALSE(at::equal(once, other));
}

TEST_P(MaeMethod, RestoresHiddenPlacesAndLeavesTheOthersAlone) {
  const auto method = mae(GetParam().encoder, "");
  const Batch batch = one_batch(GetParam().dimensions);

  const auto pictures = method->reconstruct(batch);

  ASSERT_EQ(pictures.size(), 2U);
  for (std::size_t row = 0; row < 2; ++row) {
    const Reconstruction& picture = pictures[row];
    const at::Tensor hidden = picture.hidden.unsqueeze(0);
    EXPECT_EQ(picture.hidden.to(at::kFloat).mean().item<float>(), 0.75F);
    EXPECT_TRUE(at::equal(picture.restored.masked_select(hidden.logical_not()),
                          picture.original.masked_select(hidden.logical_not())));
    EXPECT_FALSE(
        at::equal(picture.restored.masked_select(hidden), picture.original.masked_select(hidden)));
    EXPECT_TRUE(at::equal(picture.original, batch.views[0][static_cast<std::int64_t>(row)]));
  }
}

INSTANTIATE_TEST_SUITE_P(Encoders,
                         MaeMethod,
                         ::testing::Values(MaeCase{kVit2d, 2}, MaeCase{kVit3d, 3}));

TEST(Mae, HiddenPixelsChangeNoPredictionButTheirTargets) {
  const auto method = mae(kVit2d, ", normalise_patches: false");
  Batch batch = one_batch(2);
  const auto clean = method->reconstruct(batch);
  const at::Tensor hidden = clean[0].hidden.clone();
  batch.views[0] = batch.views[0].clone();
  batch.views[0][0][0].masked_fill_(hidden, 1e3);

  const auto poisoned = method->reconstruct(batch);

  EXPECT_TRUE(at::equal(clean[0].restored, poisoned[0].restored));
}

TEST(Mae, TellsTheShareOfFlatPatchesAndCanLeaveThemOut) {
  Batch batch = one_batch(2);
  batch.views[0] = batch.views[0].clone();
  batch.views[0].slice(2, 0, 8).fill_(-1.0);  // the upper half is air

  const StepResult all = mae(kVit2d, "")->step(batch);
  const StepResult structured = mae(kVit2d, ", min_patch_std: 0.01")->step(batch);

  ASSERT_EQ(all.parts.size(), 1U);
  EXPECT_EQ(all.parts[0].first, "flat_patches");
  EXPECT_EQ(all.parts[0].second.item<float>(), 0.5F);
  EXPECT_NE(all.loss.item<float>(), structured.loss.item<float>());
}

TEST(Mae, ABatchOfAirHasALossOfZeroWhereFlatPatchesDoNotCount) {
  Batch batch = one_batch(2);
  batch.views[0] = at::full_like(batch.views[0], -1.0);

  const StepResult result = mae(kVit2d, ", min_patch_std: 0.01")->step(batch);

  EXPECT_EQ(result.loss.item<float>(), 0.0F);
}

// A decoder that only hands on what it is given: no blocks, identity weights, zero mask token.
TEST(MaeDecoder, PutsEveryTokenBackInItsPlace) {
  at::NoGradGuard no_grad;
  MaeDecoder decoder(
      {.encoder_width = 8, .class_token = true, .width = 8, .depth = 0, .heads = 1, .outputs = 8});
  for (auto& item : decoder.named_parameters()) {
    if (item.key() == "embed.weight" || item.key() == "pred.weight") {
      item.value().copy_(at::eye(8));
    } else if (item.key() != "norm.weight") {
      item.value().zero_();
    }
  }
  const at::Tensor noise = at::tensor({0.9, 0.1, 0.5, 0.7, 0.3, 0.2}, at::kDouble).view({1, 6});
  const TokenMask mask = token_mask(noise, 2);  // patches 1 and 5
  at::Tensor latent = at::zeros({1, 3, 8});
  latent[0][0].fill_(7.0);
  latent[0][1][2] = 100.0;  // patch 1
  latent[0][2][6] = 100.0;  // patch 5

  const at::Tensor y = decoder.forward(latent, mask.restore, {2, 3});

  ASSERT_EQ(y.sizes(), at::IntArrayRef({1, 6, 8}));
  EXPECT_EQ(y[0][1].argmax().item<std::int64_t>(), 2);
  EXPECT_EQ(y[0][5].argmax().item<std::int64_t>(), 6);
  EXPECT_GT(y[0][1].max().item<float>(), 2.0F);
  for (const std::int64_t hidden : {0, 2, 3, 4}) {
    EXPECT_LT(y[0][hidden].max().item<float>(), 2.0F) << "patch " << hidden;
  }
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

TEST(Mae, RefusesEncodersThatCannotLeaveOutPatches) {
  EXPECT_THAT(refusal([] { (void)mae("{name: resnet, dimensions: 2, depth: 10}", ""); }),
              HasSubstr("choose encoder.name: vit"));
}

TEST(Mae, RefusesARatioThatLeavesNothingToSee) {
  EXPECT_THAT(refusal([] { (void)mae(kVit2d, ", mask_ratio: 0.98")->step(one_batch(2)); }),
              HasSubstr("with 16 patches a mask_ratio of 0.98 leaves none visible"));
}

TEST(Mae, RefusesPatchesThatTheStrideDoesNotDivide) {
  Batch batch = one_batch(2);
  batch.views[0] = batch.views[0].slice(3, 0, 14);

  EXPECT_THAT(refusal([&] { (void)mae(kVit2d, "")->step(batch); }),
              HasSubstr("multiple of the encoder's stride 4; change data.patch_size"));
}

}  // namespace
}  // namespace marrow
