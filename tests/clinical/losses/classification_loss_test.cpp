#include "clinical/losses/classification_loss.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace marrow {
namespace {

at::Tensor rows_of(const at::Tensor& labels, std::int64_t classes) {
  return at::one_hot(labels, classes).to(at::kFloat);
}

TEST(ClassificationLoss, OneHotTargetsGiveLibTorchsWeightedCrossEntropy) {
  at::manual_seed(1);
  const at::Tensor logits = at::randn({6, 3});
  const at::Tensor labels = at::tensor({0, 2, 1, 1, 0, 2}, at::kLong);
  const std::vector<double> weights{0.5, 2.0, 1.0};
  const at::Tensor reference =
      at::cross_entropy_loss(logits, labels, at::tensor(weights).to(at::kFloat));

  const at::Tensor loss =
      classification_loss(logits, rows_of(labels, 3), {.class_weights = weights});

  EXPECT_NEAR(loss.item<double>(), reference.item<double>(), 1e-6);
}

TEST(ClassificationLoss, LabelSmoothingIsLibTorchs) {
  at::manual_seed(2);
  const at::Tensor logits = at::randn({5, 4});
  const at::Tensor labels = at::tensor({0, 3, 1, 2, 2}, at::kLong);
  const at::Tensor reference =
      at::cross_entropy_loss(logits, labels, {}, at::Reduction::Mean, -100, 0.1);

  const at::Tensor loss = classification_loss(logits, rows_of(labels, 4), {.label_smoothing = 0.1});

  EXPECT_NEAR(loss.item<double>(), reference.item<double>(), 1e-6);
}

TEST(ClassificationLoss, AMixtureOfTwoPicturesIsTheMixtureOfTheirLosses) {
  const at::Tensor logits = at::tensor({1.0F, -1.0F, 0.5F}).view({1, 3});
  const at::Tensor a = rows_of(at::tensor({0}, at::kLong), 3);
  const at::Tensor b = rows_of(at::tensor({2}, at::kLong), 3);
  const auto loss = [&](const at::Tensor& targets) {
    return classification_loss(logits, targets, {}).item<double>();
  };

  EXPECT_NEAR(loss(0.3 * a + 0.7 * b), 0.3 * loss(a) + 0.7 * loss(b), 1e-6);
}

TEST(ClassificationLoss, FindingsWeighTheirPositiveTerm) {
  const at::Tensor logits = at::zeros({1, 2});
  const at::Tensor targets = at::tensor({1.0F, 0.0F}).view({1, 2});

  const at::Tensor loss =
      classification_loss(logits, targets, {.multi_label = true, .class_weights = {3.0, 5.0}});

  EXPECT_NEAR(loss.item<double>(), (3 * std::log(2.0) + std::log(2.0)) / 2, 1e-6);
}

TEST(ClassificationLoss, BalancedWeightsMakeEveryClassCountTheSame) {
  const std::vector<double> of_classes = balanced_weights({30, 10}, 40, false);
  EXPECT_DOUBLE_EQ(of_classes[0] * 30, of_classes[1] * 10);
  EXPECT_DOUBLE_EQ(of_classes[0] * 30 + of_classes[1] * 10, 40);
  EXPECT_DOUBLE_EQ(balanced_weights({10}, 40, true)[0], 3);
  EXPECT_THROW(static_cast<void>(balanced_weights({4, 0}, 4, false)), Error);
}

TEST(ClassificationLoss, OtherSizesAreRefused) {
  EXPECT_THROW(static_cast<void>(classification_loss(at::zeros({2, 3}), at::zeros({2, 2}), {})),
               Error);
  EXPECT_THROW(static_cast<void>(classification_loss(
                   at::zeros({2, 3}), at::zeros({2, 3}), {.class_weights = {1, 2}})),
               Error);
}

}  // namespace
}  // namespace marrow
