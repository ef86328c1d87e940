#include "volumes/augment/rand_augment.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <gmock/gmock.h>

#include "tests/support/batches_store.h"

namespace marrow {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

using Operation = PictureOperation;

AugmentOptions augmented(std::int64_t operations) {
  AugmentOptions options;
  options.randaugment = operations;
  return options;
}

TEST(RandAugment, GrowsStrongerWithTheMagnitude) {
  EXPECT_DOUBLE_EQ(operation_value(Operation::kRotate, 6, true), -18);
  EXPECT_DOUBLE_EQ(operation_value(Operation::kShearX, 6, false), 0.18);
  EXPECT_DOUBLE_EQ(operation_value(Operation::kTranslateY, 10, true), -0.45);
  EXPECT_DOUBLE_EQ(operation_value(Operation::kBrightness, 6, false), 1.54);
  EXPECT_DOUBLE_EQ(operation_value(Operation::kSharpness, 10, true), 0.1);
  EXPECT_EQ(operation_value(Operation::kPosterize, 0, false), 4);
  EXPECT_EQ(operation_value(Operation::kPosterize, 6, false), 2);
  EXPECT_EQ(operation_value(Operation::kPosterize, 10, false), 1);
  EXPECT_EQ(operation_value(Operation::kSolarize, 6, false), 103);
  EXPECT_EQ(operation_value(Operation::kSolarize, 0, false), 256);
  EXPECT_EQ(operation_value(Operation::kSolarizeAdd, 6, false), 66);
}

TEST(RandAugment, DrawsEveryOperationEquallyOftenAndCarriesOutHalf) {
  std::map<Operation, int> drawn;
  int total = 0;
  for (std::uint64_t seed = 0; seed < 7000; ++seed) {
    for (const PictureChange& change : draw_rand_augment(augmented(2), seed)) {
      ++drawn[change.operation];
      ++total;
    }
  }

  EXPECT_NEAR(total, 7000, 240);  // four standard deviations
  EXPECT_EQ(drawn.size(), 14U);
  for (const auto& [operation, count] : drawn) {
    EXPECT_NEAR(count, 500, 90);
  }
}

TEST(RandAugment, DrawsMagnitudesAroundTheOneAskedForWithinTheScale) {
  AugmentOptions options = augmented(1);
  options.randaugment_magnitude = 9.5;
  options.randaugment_std = 1;
  std::vector<double> degrees;
  int negative = 0;
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    for (const PictureChange& change : draw_rand_augment(options, seed)) {
      if (change.operation == Operation::kRotate) {
        degrees.push_back(std::abs(change.value));
        negative += change.value < 0 ? 1 : 0;
      }
    }
  }

  ASSERT_GT(degrees.size(), 500U);
  std::sort(degrees.begin(), degrees.end());
  EXPECT_EQ(degrees.back(), 30);
  EXPECT_NEAR(degrees[degrees.size() / 2], 28.5, 0.4);
  EXPECT_NEAR(negative / static_cast<double>(degrees.size()), 0.5, 0.08);
}

TEST(RandAugment, WorksOnTheRangeOfThePatchWhateverItsUnit) {
  std::vector<float> values{-3, -2, 0, 2};

  change_pictures(values, {2, 2, 1}, std::vector<PictureChange>{{Operation::kInvert, 0}});

  EXPECT_THAT(values, Pointwise(FloatNear(1e-5F), std::vector<float>{2, 1, -1, -3}));
}

TEST(RandAugment, LeavesAConstantPatchAlone) {
  std::vector<float> values(12, 0.7F);

  change_pictures(values, {4, 3, 1}, std::vector<PictureChange>{{Operation::kInvert, 0}});

  EXPECT_THAT(values, Each(0.7F));
}

TEST(RandAugment, ChangesEverySliceOfABagAlikeAndByItself) {
  // Two slices on one scale: each is stretched to the range of the whole bag.
  std::vector<float> bag{0, 10, 20, 50, 100, 200, 250, 255};

  change_pictures(bag, {2, 2, 2}, std::vector<PictureChange>{{Operation::kAutoContrast, 0}});

  EXPECT_THAT(
      bag,
      Pointwise(FloatNear(1e-3F), std::vector<float>{0, 51, 102, 255, 0, 164.516F, 246.774F, 255}));
}

TEST(RandAugment, MovesLabelsWithThePicture) {
  std::vector<std::uint8_t> labels{1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<PictureChange> changes{{Operation::kInvert, 0}, {Operation::kTranslateX, 0.25}};

  move_picture_labels(labels, {4, 2, 1}, changes);

  EXPECT_THAT(labels, ElementsAre(2, 3, 4, 0, 6, 7, 8, 0));
}

float ramp(std::int64_t i, std::int64_t j, std::int64_t) {
  return static_cast<float>(i + 3 * j) / 50.0F;
}

float steep_ramp(std::int64_t i, std::int64_t j, std::int64_t) {
  return static_cast<float>(i + 3 * j) / 5.0F;
}

TEST(RandAugment, ChangesAllChannelsOfAnExampleAlikeAndNothingWhenOff) {
  const testing::TemporaryStore data({{"a", {16, 12, 3}, {ramp, steep_ramp}, std::nullopt}});
  const Box box{{0, 0, 1}, {16, 12, 1}};
  const auto plain = make_example(data.store(), {0, box, 1}, augmented(0), false).image;
  int differing = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto image = make_example(data.store(), {0, box, seed}, augmented(2), false).image;
    differing += image == plain ? 0 : 1;
    for (std::size_t at = 0; at < 192; ++at) {
      ASSERT_NEAR(10 * image[at], image[192 + at], 0.12) << seed;  // a grey level, and the store's
    }
  }

  EXPECT_EQ(make_example(data.store(), {0, box, 7}, augmented(0), false).image, plain);
  EXPECT_GT(differing, 20);
}

}  // namespace
}  // namespace marrow
