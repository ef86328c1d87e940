#include "ssl/spark.h"

#include <string>
#include <utility>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/config/config.h"
#include "core/error.h"
#include "models/encoder.h"
#include "models/head.h"
#include "models/heads/unet_decoder.h"
#include "models/training/optimizer.h"
#include "ssl/ssl_method.h"

namespace marrow {
namespace {

constexpr const char* kSmallUnet =
    "name: resenc_unet, stem_stride: 2, features: [8, 16], strides: [1, 2], blocks: [1, 1]";
constexpr const char* kSmallConvnext =
    "name: convnext, stem_stride: 2, size: custom, depths: [1, 1], dims: [8, 16], kernel: 3, "
    "layer_scale: 0.1";

std::shared_ptr<SslMethod> spark(const std::string& options,
                                 const std::string& encoder = kSmallUnet) {
  Encoders encoders("encoder");
  add_builtin_encoders(encoders);
  SslMethods methods("method");
  add_builtin_methods(methods);
  const Config config = Config::from_text(
      "method: {name: spark, " + options + "}\nencoder: {" + encoder + "}\n", "test");
  const ConfigSection section = config.section("encoder");
  return methods.find("spark").make(
      config.section("method"),
      encoders.find(encoder.substr(6, encoder.find(',') - 6)).make(section));
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

// The loss of the first and the last of 60 steps on one batch.
std::pair<double, double> first_and_last_loss(SslMethod& method) {
  AdamW optimizer(method, {0.9, 0.99, 1e-8});
  const Batch batch = one_batch();
  double first = 0;
  double last = 0;
  for (int step = 0; step < 60; ++step) {
    const StepResult result = method.step(batch);
    last = result.loss.item<double>();
    first = step == 0 ? last : first;
    optimizer.zero_gradients();
    result.loss.backward();
    optimizer.step(5e-3, 0.0);
  }
  return {first, last};
}

class SparkDecoder : public ::testing::TestWithParam<const char*> {};

TEST_P(SparkDecoder, LearnsToRestoreOneBatch) {
  at::manual_seed(1);
  const std::shared_ptr<SslMethod> method = spark(GetParam());

  const auto [first, last] = first_and_last_loss(*method);

  EXPECT_GT(first, 0.8);
  EXPECT_LT(last, 0.3);
}

TEST_P(SparkDecoder, LearnsWithConvnextAndLeavesItsPoolingNormAlone) {
  at::manual_seed(1);
  const std::shared_ptr<SslMethod> method = spark(GetParam(), kSmallConvnext);

  const auto [first, last] = first_and_last_loss(*method);

  EXPECT_GT(first, 0.8);
  EXPECT_LT(last, 0.3);
  const auto parameters = method->encoder()->named_parameters();
  EXPECT_FALSE(parameters["head.norm.weight"].grad().defined());
  EXPECT_TRUE(parameters["head.norm.weight"].eq(1).all().item<bool>());
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

TEST(Spark, RefusesAnEncoderWhoseCellsAreNoCubes) {
  try {
    static_cast<void>(spark("decoder: unet", "name: resnet, depth: 10, stem_stride: [1, 2, 2]"));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("equal along every axis"), std::string::npos)
        << error.what();
  }
}

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
