#include "clinical/losses/dice_ce.h"

#include <functional>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include "core/error.h"

namespace marrow {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;

at::Tensor gradient_of(const at::Tensor& logits,
                       const std::function<at::Tensor(const at::Tensor&)>& loss) {
  const at::Tensor x = logits.detach().clone(at::MemoryFormat::Preserve).requires_grad_();
  loss(x).backward();
  return x.grad();
}

// The loss from torch's own operators.
at::Tensor plain_loss(const at::Tensor& logits,
                      const at::Tensor& labels,
                      const at::Tensor& weight) {
  const at::Tensor log_p = at::log_softmax(logits, 1);
  const at::Tensor p = log_p.exp();
  const at::Tensor t = at::zeros_like(p).scatter_(1, labels.unsqueeze(1), 1.0);
  const at::Tensor overlap = (p * t).flatten(2).sum(2);
  const at::Tensor total = (p + t).flatten(2).sum(2);
  const at::Tensor dice = 1.0 - ((2.0 * overlap + 1e-5) / (total + 1e-5)).mean();
  return 0.7 * dice + 1.9 * at::nll_loss_nd(log_p, labels, weight);
}

DiceCeOptions weighted_options() {
  DiceCeOptions options;
  options.dice_weight = 0.7;
  options.ce_weight = 1.9;
  options.class_weights = {0.5, 1.0, 3.0};
  return options;
}

class DiceCeLayout : public testing::TestWithParam<bool> {};

TEST_P(DiceCeLayout, EqualsTorchOperatorsInValueAndGradient) {
  at::manual_seed(5);
  const at::Tensor labels = at::randint(0, 3, {2, 9, 31, 17}, at::kLong);
  at::Tensor logits = 3.0 * at::randn({2, 3, 9, 31, 17});
  if (GetParam()) {
    logits = logits.contiguous(at::MemoryFormat::ChannelsLast3d);
  }
  const at::Tensor weight = at::tensor({0.5F, 1.0F, 3.0F});
  const auto ours = [&](const at::Tensor& x) {
    return dice_ce_loss(x, labels, weighted_options()).loss;
  };
  const auto plain = [&](const at::Tensor& x) { return plain_loss(x, labels, weight); };

  const at::Tensor gradient = gradient_of(logits, ours);

  EXPECT_NEAR(ours(logits).item<double>(), plain(logits).item<double>(), 2e-6);
  EXPECT_LT((gradient - gradient_of(logits, plain)).abs().max().item<double>(), 1e-9);
  EXPECT_EQ(gradient.strides(), logits.strides());
}

INSTANTIATE_TEST_SUITE_P(Formats, DiceCeLayout, testing::Values(false, true));

TEST(DiceCe, GradientEqualsFiniteDifferencesInDouble) {
  at::manual_seed(6);
  const at::Tensor labels = at::randint(0, 3, {2, 3, 4}, at::kLong);
  const at::Tensor logits = at::randn({2, 3, 3, 4}, at::kDouble);
  DiceCeOptions options = weighted_options();
  options.dice.background = false;
  options.dice.batch = true;
  const auto loss = [&](const at::Tensor& x) { return dice_ce_loss(x, labels, options).loss; };

  const at::Tensor gradient = gradient_of(logits, loss).flatten();

  const double h = 1e-5;
  for (std::int64_t i = 0; i < gradient.numel(); ++i) {
    const at::Tensor up = logits.clone();
    const at::Tensor down = logits.clone();
    up.view(-1)[i] += h;
    down.view(-1)[i] -= h;
    const double slope = (loss(up) - loss(down)).item<double>() / (2 * h);
    EXPECT_NEAR(gradient[i].item<double>(), slope, 1e-9) << "logit " << i;
  }
}

TEST(DiceCe, ComputesInFloat32ForReducedPrecision) {
  at::manual_seed(7);
  const at::Tensor labels = at::randint(0, 3, {1, 20, 30}, at::kLong);
  const at::Tensor logits = at::randn({1, 3, 20, 30}).to(at::kBFloat16);
  const auto loss = [&](const at::Tensor& x) { return dice_ce_loss(x, labels, {}).loss; };

  EXPECT_EQ(loss(logits).scalar_type(), at::kFloat);
  EXPECT_EQ(gradient_of(logits, loss).scalar_type(), at::kBFloat16);
  EXPECT_NEAR(loss(logits).item<double>(), loss(logits.to(at::kDouble)).item<double>(), 1e-6);
}

TEST(DiceCe, StaysFiniteForHugeLogits) {
  const at::Tensor labels = at::randint(0, 3, {1, 4, 5}, at::kLong);
  const at::Tensor logits = 1e4 * at::randn({1, 3, 4, 5});
  const auto loss = [&](const at::Tensor& x) { return dice_ce_loss(x, labels, {}).loss; };

  EXPECT_TRUE(at::isfinite(loss(logits)).item<bool>());
  EXPECT_TRUE(at::isfinite(gradient_of(logits, loss)).all().item<bool>());
}

TEST(DiceCe, GivesTheSameBitsWithAnyNumberOfThreads) {
  at::manual_seed(8);
  const at::Tensor labels = at::randint(0, 3, {2, 40, 50, 7}, at::kLong);
  const at::Tensor logits = at::randn({2, 3, 40, 50, 7});
  const auto loss = [&](const at::Tensor& x) { return dice_ce_loss(x, labels, {}).loss; };
  const int threads = at::get_num_threads();

  const at::Tensor many = gradient_of(logits, loss);
  const float many_loss = loss(logits).item<float>();
  at::set_num_threads(1);
  const at::Tensor one = gradient_of(logits, loss);
  const float one_loss = loss(logits).item<float>();
  at::set_num_threads(threads);

  EXPECT_TRUE(at::equal(many, one));
  EXPECT_EQ(many_loss, one_loss);
}

TEST(DiceCe, NamesALabelThatIsNoClass) {
  const at::Tensor labels = at::zeros({1, 4, 5}, at::kLong);
  labels[0][2][3] = 3;

  try {
    (void)dice_ce_loss(at::zeros({1, 3, 4, 5}), labels, {});
    FAIL() << "accepted label 3 of 3 classes";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("label 3"));
  }
}

TEST(DiceCe, RefusesShapesThatDoNotMatch) {
  const at::Tensor labels = at::zeros({1, 4, 5}, at::kLong);

  EXPECT_THROW((void)dice_ce_loss(at::zeros({1, 3, 5, 4}), labels, {}), Error);
  EXPECT_THROW((void)dice_ce_loss(at::zeros({1, 3, 4, 5}), labels.to(at::kInt), {}), Error);
  DiceCeOptions options;
  options.class_weights = {1.0, 2.0};
  EXPECT_THROW((void)dice_ce_loss(at::zeros({1, 3, 4, 5}), labels, options), Error);
}

TEST(DeepSupervision, HalvesTheWeightFromMapToMap) {
  EXPECT_THAT(
      deep_supervision_weights(3),
      ElementsAre(
          DoubleNear(4.0 / 7, 1e-12), DoubleNear(2.0 / 7, 1e-12), DoubleNear(1.0 / 7, 1e-12)));
}

TEST(DeepSupervision, ReducesLabelsToTheNearestVoxel) {
  const at::Tensor labels = at::arange(12, at::kLong).view({1, 2, 6});

  const at::Tensor reduced = reduced_labels(labels, {1, 3});

  EXPECT_TRUE(at::equal(reduced, at::tensor({7, 9, 11}, at::kLong).view({1, 1, 3})));
}

TEST(DeepSupervision, ReducesLabelsToAGridThatWasRoundedUp) {
  const at::Tensor labels = at::arange(5, at::kLong).view({1, 1, 5});

  // Centres of the 3 coarse voxels, in fine voxels: 0.33, 2, 3.67.
  EXPECT_TRUE(
      at::equal(reduced_labels(labels, {1, 3}), at::tensor({0, 2, 4}, at::kLong).view({1, 1, 3})));
}

TEST(DeepSupervision, AddsTheLossesOfAllMaps) {
  at::manual_seed(9);
  const at::Tensor labels = at::randint(0, 2, {1, 8, 12}, at::kLong);
  const at::Tensor fine = at::randn({1, 2, 8, 12});
  const at::Tensor coarse = at::randn({1, 2, 4, 6});

  const DiceCeLoss both = deep_supervision_loss({fine, coarse}, labels, {});

  const double a = dice_ce_loss(fine, labels, {}).loss.item<double>();
  const double b = dice_ce_loss(coarse, reduced_labels(labels, {4, 6}), {}).loss.item<double>();
  EXPECT_NEAR(both.loss.item<double>(), (2.0 * a + b) / 3.0, 1e-6);
  EXPECT_NEAR(both.dice.item<double>(), soft_dice_loss(fine, labels, {}).item<double>(), 1e-7);
}

}  // namespace
}  // namespace marrow
