#include "clinical/losses/dice.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/clinical.h"

namespace marrow {
namespace {

struct GoldenDice {
  at::Tensor logits;
  at::Tensor labels;
  nlohmann::json expected;
};

GoldenDice golden_dice() {
  const nlohmann::json json = golden_json("metrics.json").at("dice_loss");
  GoldenDice golden;
  golden.expected = json;
  golden.logits = at::zeros({1, 3, 2, 2}, at::kDouble);
  golden.labels = at::zeros({1, 2, 2}, at::kLong);
  for (int k = 0; k < 3; ++k) {
    for (int y = 0; y < 2; ++y) {
      for (int x = 0; x < 2; ++x) {
        golden.logits[0][k][y][x] = json["logits"][0][k][y][x].get<double>();
        golden.labels[0][y][x] = json["labels"][0][y][x].get<int>();
      }
    }
  }
  return golden;
}

// Slow transcription of the formula.
double dice_by_hand(const at::Tensor& logits, const at::Tensor& labels, bool batch, double smooth) {
  const at::Tensor p = at::softmax(logits.to(at::kDouble), 1);
  double sum = 0.0;
  int terms = 0;
  const std::int64_t groups = batch ? 1 : logits.size(0);
  for (std::int64_t g = 0; g < groups; ++g) {
    const at::Tensor q = batch ? p : p.narrow(0, g, 1);
    const at::Tensor l = batch ? labels : labels.narrow(0, g, 1);
    for (std::int64_t k = 0; k < logits.size(1); ++k) {
      const at::Tensor t = (l == k).to(at::kDouble);
      const at::Tensor pk = q.select(1, k);
      sum += (2 * (pk * t).sum().item<double>() + smooth) /
             (pk.sum().item<double>() + t.sum().item<double>() + smooth);
      ++terms;
    }
  }
  return 1.0 - sum / terms;
}

TEST(DiceLossGolden, EqualsTheReferenceWithAndWithoutBackground) {
  const GoldenDice golden = golden_dice();

  const double with =
      soft_dice_loss(golden.logits, golden.labels, {false, true, 1e-10}).item<double>();
  const double without =
      soft_dice_loss(golden.logits, golden.labels, {false, false, 1e-10}).item<double>();

  EXPECT_NEAR(with, golden.expected["with_background"].get<double>(), 1e-9);
  EXPECT_NEAR(without, golden.expected["without_background"].get<double>(), 1e-9);
}

TEST(DiceLoss, FollowsTheFormulaPerExampleAndPerBatch) {
  at::manual_seed(3);
  const at::Tensor logits = at::randn({2, 4, 5, 6, 7});
  const at::Tensor labels = at::randint(0, 4, {2, 5, 6, 7}, at::kLong);

  for (const bool batch : {false, true}) {
    EXPECT_NEAR(soft_dice_loss(logits, labels, {batch, true, 1e-5}).item<double>(),
                dice_by_hand(logits, labels, batch, 1e-5),
                1e-6);
  }
}

TEST(DiceLoss, IsNearZeroForACertainAndRightPrediction) {
  const at::Tensor labels = at::randint(0, 3, {2, 6, 5}, at::kLong);
  const at::Tensor logits = 40.0 * at::one_hot(labels, 3).permute({0, 3, 1, 2}).to(at::kFloat);

  EXPECT_NEAR(soft_dice_loss(logits, labels, {}).item<double>(), 0.0, 1e-6);
}

TEST(DiceLoss, DoesNotBlameAClassThatIsAbsentAndNotPredicted) {
  const at::Tensor labels = at::zeros({1, 4, 4}, at::kLong);
  const at::Tensor logits = at::zeros({1, 3, 4, 4});
  logits.select(1, 0).fill_(200.0);

  EXPECT_NEAR(soft_dice_loss(logits, labels, {}).item<double>(), 0.0, 1e-6);
}

TEST(DiceLoss, RefusesToLeaveOutTheOnlyClass) {
  const at::Tensor labels = at::zeros({1, 4, 4}, at::kLong);

  EXPECT_THROW((void)soft_dice_loss(at::zeros({1, 1, 4, 4}), labels, {false, false, 1e-5}), Error);
}

}  // namespace
}  // namespace marrow
