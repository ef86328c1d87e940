#include "clinical/tasks/classification.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "core/error.h"
#include "models/encoders/resenc_unet.h"
#include "models/encoders/resnet.h"
#include "models/heads/attention_classifier.h"
#include "models/heads/linear_classifier.h"
#include "models/training/optimizer.h"

namespace marrow {
namespace {

using testing::HasSubstr;

std::shared_ptr<Encoder> small_resnet() {
  return make_resnet(
      ConfigSection("encoder").with("dimensions", "2").with("depth", "10").with("width", "8"));
}

std::shared_ptr<ClassificationTask> small_task(const ClassificationOptions& options,
                                               ClassificationSetting setting = {}) {
  at::manual_seed(17);
  const auto encoder = small_resnet();
  return std::make_shared<ClassificationTask>(
      encoder,
      make_linear_classifier(ConfigSection("head"),
                             {encoder->stages().back().channels, setting.classes}),
      options,
      std::move(setting));
}

// Bright pictures are class 1.
Batch bright_and_dark(std::int64_t step = 0) {
  at::manual_seed(18);
  Batch batch;
  batch.targets = at::tensor({1.0F, 0.0F, 0.0F, 1.0F, 1.0F, 0.0F, 0.0F, 1.0F}).view({4, 2});
  batch.views = {0.3 * at::randn({4, 1, 32, 32}) +
                 2 * batch.targets.select(1, 1).view({4, 1, 1, 1})};
  batch.step = step;
  batch.seed = 5;
  return batch;
}

TEST(ClassificationTask, LearnsOneBatch) {
  const auto task = small_task({});
  const Batch batch = bright_and_dark();
  AdamW optimizer(*task, {});
  const double first = task->step(batch).loss.item<double>();
  for (int step = 0; step < 40; ++step) {
    optimizer.zero_gradients();
    task->step(batch).loss.backward();
    optimizer.step(1e-2, 0);
  }
  const StepResult last = task->step(batch);

  EXPECT_NEAR(first, std::log(2.0), 0.2);
  EXPECT_LT(last.loss.item<double>(), 0.1);
  EXPECT_EQ(last.parts.at(0).first, "accuracy");
  EXPECT_EQ(last.parts.at(0).second.item<double>(), 1.0);
}

TEST(ClassificationTask, SeveralFindingsLearnByBinaryCrossEntropy) {
  const auto task = small_task({}, {.classes = 2, .multi_label = true});
  Batch batch = bright_and_dark();
  batch.targets = at::tensor({1.0F, 1.0F, 0.0F, 0.0F, 1.0F, 0.0F, 0.0F, 1.0F}).view({4, 2});
  task->eval();
  const at::Tensor logits = task->logits(batch.views[0]);

  const double loss = task->step(batch).loss.item<double>();

  EXPECT_NEAR(
      loss, at::binary_cross_entropy_with_logits(logits, batch.targets).item<double>(), 1e-5);
}

TEST(ClassificationTask, AFrozenEncoderLearnsInItsBatchNormsOnlyAndThenOpens) {
  ClassificationOptions options;
  options.freeze = "intended";
  options.freeze_epochs = 2;
  const auto task = small_task(options, {.steps_per_epoch = 3});
  const auto gradient_of = [&](const std::string& name) {
    return task->named_parameters()[name].grad().defined();
  };
  AdamW optimizer(*task, {});
  task->step(bright_and_dark(5)).loss.backward();

  EXPECT_FALSE(gradient_of("encoder.conv1.weight"));
  EXPECT_TRUE(gradient_of("encoder.bn1.weight"));
  EXPECT_TRUE(gradient_of("encoder.layer1.0.bn2.bias"));
  EXPECT_TRUE(gradient_of("head.fc.weight"));

  task->step(bright_and_dark(6)).loss.backward();

  EXPECT_TRUE(gradient_of("encoder.conv1.weight"));
}

TEST(ClassificationTask, TheIntendedScheduleDoublesUpToTheHeadsRateAndTheLegacyOneDrops) {
  ClassificationOptions options;
  options.freeze = "intended";
  const auto intended = small_task(options, {.steps_per_epoch = 4});
  options.freeze = "legacy";
  const auto legacy = small_task(options, {.steps_per_epoch = 4});
  constexpr std::size_t kHead = 0;
  constexpr std::size_t kEncoder = 1;

  EXPECT_EQ(intended->lr_factor(kEncoder, 40), 0.1);
  EXPECT_EQ(intended->lr_factor(kEncoder, 44), 0.2);
  EXPECT_EQ(intended->lr_factor(kEncoder, 52), 0.8);
  EXPECT_EQ(intended->lr_factor(kEncoder, 56), 1.0);
  EXPECT_EQ(intended->lr_factor(kHead, 40), 1.0);
  EXPECT_EQ(legacy->lr_factor(kEncoder, 43), 1.0);
  EXPECT_EQ(legacy->lr_factor(kEncoder, 44), 0.2);
  EXPECT_EQ(legacy->lr_factor(kHead, 44), 0.2);
}

TEST(ClassificationTask, HeadOnlyLeavesTheEncoderAndItsStatisticsAlone) {
  ClassificationOptions options;
  options.freeze = "head_only";
  const auto task = small_task(options);
  task->train();
  const at::Tensor before = task->named_buffers()["encoder.bn1.running_mean"].clone();
  task->step(bright_and_dark()).loss.backward();

  EXPECT_TRUE(at::equal(task->named_buffers()["encoder.bn1.running_mean"], before));
  EXPECT_FALSE(task->named_parameters()["encoder.bn1.weight"].grad().defined());
  EXPECT_TRUE(task->named_parameters()["head.fc.weight"].grad().defined());
}

TEST(ClassificationTask, LayerDecayLowersTheRateTowardsTheStem) {
  ClassificationOptions options;
  options.layer_decay = 0.5;
  double stem = 0;
  double deepest = 0;
  for (const ParameterGroup& group : small_task(options)->parameter_groups()) {
    for (const std::string& name : group.parameters) {
      if (name == "encoder.conv1.weight") {
        stem = group.lr_scale;
      }
      if (name == "encoder.layer4.0.conv1.weight") {
        deepest = group.lr_scale;
      }
      if (name.starts_with("head.")) {
        EXPECT_EQ(group.lr_scale, 1.0);
      }
    }
  }

  EXPECT_EQ(stem, 0.03125);  // four stages and the stem: 0.5^5
  EXPECT_EQ(deepest, 0.5);
}

TEST(ClassificationTask, LayersOfAVisionTransformerAreItsBlocks) {
  EXPECT_EQ(layer_of("patch_embed.proj.weight", 12), 0);
  EXPECT_EQ(layer_of("pos_embed", 12), 0);
  EXPECT_EQ(layer_of("blocks.0.attn.qkv.weight", 12), 1);
  EXPECT_EQ(layer_of("blocks.11.mlp.fc2.bias", 12), 12);
  EXPECT_EQ(layer_of("fc_norm.weight", 12), 12);
  EXPECT_EQ(layer_of("stages.3.blocks.0.conv1.conv.weight", 6), 4);
  EXPECT_EQ(layer_of("stem.convs.0.conv.weight", 6), 0);
}

TEST(ClassificationTask, MixupMixesPicturesAndTargetsByTheSeedOfTheStep) {
  ClassificationOptions options;
  options.mixup = 0.8;
  const auto task = small_task(options);
  Batch batch = bright_and_dark();
  task->eval();
  const double first = task->step(batch).loss.item<double>();
  const double again = task->step(batch).loss.item<double>();
  batch.seed = 6;
  const double other = task->step(batch).loss.item<double>();

  EXPECT_EQ(first, again);
  EXPECT_NE(first, other);
  EXPECT_TRUE(task->step(batch).parts.empty());
}

// What a bag says of one slice is what the slice alone says; the order of slices says nothing.
TEST(ClassificationTask, ABagOfSlicesIsPooledByTheHead) {
  at::manual_seed(3);
  const auto encoder = small_resnet();
  ClassificationTask task(encoder,
                          make_attention_classifier(ConfigSection("head").with("init_std", "1"),
                                                    {encoder->stages().back().channels, 3}),
                          {},
                          {.classes = 3});
  task.eval();
  const at::NoGradGuard no_grad;
  const at::Tensor bag = at::randn({2, 1, 5, 32, 32});

  const at::Tensor scores = task.logits(bag);

  EXPECT_EQ(scores.sizes(), (std::vector<std::int64_t>{2, 3}));
  EXPECT_TRUE(at::allclose(task.logits(bag.flip(2)), scores, 1e-4, 1e-5));
  const at::Tensor slice = bag.select(2, 1);
  EXPECT_TRUE(at::allclose(task.logits(slice.unsqueeze(2)), task.logits(slice), 1e-4, 1e-5));
}

TEST(ClassificationTask, ContradictingOptionsAreRefused) {
  const auto refusal = [](const ClassificationOptions& options, bool multi_label) {
    try {
      static_cast<void>(small_task(options, {.multi_label = multi_label}));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  ClassificationOptions smooth;
  smooth.label_smoothing = 0.1;
  ClassificationOptions given;
  given.class_weights = "given";

  EXPECT_THAT(refusal(smooth, true), HasSubstr("label_smoothing"));
  EXPECT_THAT(refusal(given, false), HasSubstr("weights"));
  Batch unlabelled = bright_and_dark();
  unlabelled.targets = at::Tensor();
  EXPECT_THROW(static_cast<void>(small_task({})->step(unlabelled)), Error);
}

}  // namespace
}  // namespace marrow
