#include "ssl/spark.h"

#include <string>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/config/config.h"
#include "models/encoder.h"
#include "models/head.h"
#include "models/heads/unet_decoder.h"
#include "models/training/optimizer.h"
#include "ssl/ssl_method.h"

namespace marrow {
namespace {

std::shared_ptr<Encoder> small_encoder() {
  Encoders table("encoder");
  add_builtin_encoders(table);
  const Config config = Config::from_text(
      "encoder: {name: resenc_unet, stem_stride: 2, features: [8, 16], strides: [1, 2], "
      "blocks: [1, 1]}\n",
      "test");
  return table.find("resenc_unet").make(config.section("encoder"));
}

std::shared_ptr<SslMethod> spark(const std::string& options) {
  SslMethods table("method");
  add_builtin_methods(table);
  const Config config = Config::from_text("method: {name: spark, " + options + "}\n", "test");
  return table.find("spark").make(config.section("method"), small_encoder());
}

Batch one_batch() {
  // Something smooth, which can be guessed from its surroundings.
  const at::Tensor axis = at::linspace(-3, 3, 16);
  const at::Tensor wave =
      axis.sin().view({16, 1, 1}) + axis.cos().view({1, 16, 1}) + (axis * 2).sin().view({1, 1, 16});
  Batch batch;
  batch.views = {at::stack({wave, wave.flip(0)}).unsqueeze(1)};
  batch.seed = 5;
  return batch;
}

class SparkDecoder : public ::testing::TestWithParam<const char*> {};

TEST_P(SparkDecoder, LearnsToRestoreOneBatch) {
  at::manual_seed(1);
  const std::shared_ptr<SslMethod> method = spark(GetParam());
  AdamW optimizer(*method, {0.9, 0.99, 1e-8});
  const Batch batch = one_batch();
  double first = 0;
  double last = 0;

  for (int step = 0; step < 60; ++step) {
    const StepResult result = method->step(batch);
    last = result.loss.item<double>();
    first = step == 0 ? last : first;
    optimizer.zero_gradients();
    result.loss.backward();
    optimizer.step(5e-3, 0.0);
  }

  EXPECT_GT(first, 0.8);
  EXPECT_LT(last, 0.3);
}

TEST_P(SparkDecoder, EveryParameterButTheUnusedGetsAGradient) {
  at::manual_seed(1);
  const std::shared_ptr<SslMethod> method = spark(GetParam());

  method->step(one_batch()).loss.backward();

  for (const auto& item : method->named_parameters()) {
    EXPECT_TRUE(item.value().grad().defined()) << item.key();
  }
}

INSTANTIATE_TEST_SUITE_P(Decoders,
                         SparkDecoder,
                         ::testing::Values("decoder: light",
                                           "decoder: unet, decoder_widths: [8, 8]"));

TEST(Spark, GivesTheDecoderThatSegmentationStartsFrom) {
  const std::shared_ptr<SslMethod> method = spark("decoder: unet, decoder_widths: [8, 12]");
  UnetDecoderOptions options;
  options.widths = {8, 12};
  const std::shared_ptr<Head> head = make_unet_decoder(
      options, {.stages = method->encoder()->stages(), .dimensions = 3, .classes = 4});

  const std::shared_ptr<torch::nn::Module> given = method->head();

  ASSERT_NE(given, nullptr);
  const auto parameters = given->named_parameters();
  for (const auto& item : head->named_parameters()) {
    if (!item.key().starts_with("scores")) {
      ASSERT_TRUE(parameters.contains(item.key())) << item.key();
      EXPECT_EQ(parameters[item.key()].sizes(), item.value().sizes()) << item.key();
    }
  }
  EXPECT_EQ(spark("decoder: light")->head(), nullptr);
}

}  // namespace
}  // namespace marrow
