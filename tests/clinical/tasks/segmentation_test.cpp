#include "clinical/tasks/segmentation.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <torch/optim/adam.h>

#include "core/error.h"
#include "models/encoders/resenc_unet.h"
#include "models/heads/unet_decoder.h"

namespace marrow {
namespace {

using testing::HasSubstr;

std::shared_ptr<SegmentationTask> small_task(const SegmentationOptions& options) {
  at::manual_seed(17);
  const auto encoder = make_resenc_unet(ConfigSection("encoder")
                                            .with("features", "[8, 12, 16]")
                                            .with("strides", "[1, 2, 2]")
                                            .with("blocks", "[1, 1, 1]"));
  return std::make_shared<SegmentationTask>(
      encoder, make_unet_decoder({}, {encoder->stages(), 3, 2}), options);
}

// A bright ball in noise, labelled.
Batch ball_batch() {
  at::manual_seed(18);
  const at::Tensor z = at::arange(12, at::kFloat).view({12, 1, 1}) - 5.0;
  const at::Tensor y = at::arange(16, at::kFloat).view({1, 16, 1}) - 8.0;
  const at::Tensor x = at::arange(8, at::kFloat).view({1, 1, 8}) - 4.0;
  const at::Tensor ball = (z * z + y * y + x * x).le(9.0);
  Batch batch;
  batch.labels = ball.to(at::kLong).unsqueeze(0).repeat({2, 1, 1, 1});
  batch.views = {batch.labels.unsqueeze(1).to(at::kFloat) + 0.3 * at::randn({2, 1, 12, 16, 8})};
  batch.step = 5;
  return batch;
}

TEST(SegmentationTask, LearnsOneBatch) {
  const auto task = small_task({});
  const Batch batch = ball_batch();
  torch::optim::Adam optimizer(task->parameters(), 1e-2);
  const double first = task->step(batch).loss.item<double>();

  for (int step = 0; step < 100; ++step) {
    optimizer.zero_grad();
    task->step(batch).loss.backward();
    optimizer.step();
  }

  EXPECT_GT(first, 0.5);
  EXPECT_LT(task->step(batch).loss.item<double>(), 0.25);
}

TEST(SegmentationTask, NamesItsPartsAndDetachesThem) {
  const StepResult result = small_task({})->step(ball_batch());

  ASSERT_EQ(result.parts.size(), 2U);
  EXPECT_EQ(result.parts[0].first, "dice");
  EXPECT_EQ(result.parts[1].first, "cross_entropy");
  EXPECT_FALSE(result.parts[0].second.requires_grad());
  EXPECT_EQ(result.loss.dim(), 0);
}

TEST(SegmentationTask, PutsEveryParameterInOneOfTwoGroups) {
  SegmentationOptions options;
  options.encoder_lr_scale = 0.1;
  const auto task = small_task(options);

  const auto groups = task->parameter_groups();

  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].name, "encoder");
  EXPECT_EQ(groups[0].lr_scale, 0.1);
  EXPECT_EQ(groups[1].lr_scale, 1.0);
  EXPECT_EQ(groups[0].parameters.size(), task->encoder()->parameters().size());
  EXPECT_EQ(groups[1].parameters.size(), task->head()->parameters().size());
  EXPECT_THAT(groups[1].parameters[0], HasSubstr("head."));
}

TEST(SegmentationTask, GivesTheEncoderNoGradientWhileFrozen) {
  SegmentationOptions options;
  options.freeze_steps = 6;
  const auto task = small_task(options);
  Batch batch = ball_batch();

  task->step(batch).loss.backward();

  EXPECT_FALSE(task->encoder()->parameters()[0].grad().defined());
  EXPECT_TRUE(task->head()->parameters()[0].grad().defined());
  batch.step = 6;
  task->step(batch).loss.backward();
  EXPECT_TRUE(task->encoder()->parameters()[0].grad().defined());
}

TEST(SegmentationTask, ScoresTheInputGrid) {
  const auto task = small_task({});
  task->eval();

  const at::Tensor logits = task->logits(at::randn({1, 1, 12, 16, 8}));

  EXPECT_THAT(logits.sizes().vec(), testing::ElementsAre(1, 2, 12, 16, 8));
}

TEST(SegmentationTask, RefusesABatchWithoutLabels) {
  Batch batch = ball_batch();
  batch.labels = at::Tensor();

  EXPECT_THROW((void)small_task({})->step(batch), Error);
}

TEST(SegmentationTask, RefusesToLearnFromNothing) {
  SegmentationOptions options;
  options.dice_weight = 0.0;
  options.ce_weight = 0.0;

  EXPECT_THROW((void)small_task(options), Error);
}

}  // namespace
}  // namespace marrow
