#include "volumes/augment/picture_operations.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>

namespace marrow {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

using Operation = PictureOperation;

std::vector<float> changed(std::vector<float> grey,
                           std::int64_t width,
                           Operation operation,
                           double value = 0) {
  change_picture(grey, width, static_cast<std::int64_t>(grey.size()) / width, {operation, value});
  return grey;
}

TEST(PictureOperations, EqualizesAKnownHistogram) {
  // 510 voxels of 10, 255 of 20 and 255 of 200: a step is 765 / 255 = 3 voxels, so that 10 becomes
  // 1 / 3, 20 (510 + 1) / 3 and 200 (765 + 1) / 3, all rounded down.
  std::vector<float> grey(1020, 10);
  std::fill(grey.begin() + 510, grey.begin() + 765, 20.0F);
  std::fill(grey.begin() + 765, grey.end(), 200.0F);

  const std::vector<float> result = changed(grey, 34, Operation::kEqualize);

  EXPECT_EQ(result[0], 0);
  EXPECT_EQ(result[509], 0);
  EXPECT_EQ(result[510], 170);
  EXPECT_EQ(result[1019], 255);
}

TEST(PictureOperations, LeavesAPictureOfFewVoxelsUnequalized) {
  EXPECT_THAT(changed({0, 9, 100, 255}, 2, Operation::kEqualize), ElementsAre(0, 9, 100, 255));
}

TEST(PictureOperations, StretchesContrastToTheWholeRange) {
  EXPECT_THAT(changed({50, 60, 75, 100}, 2, Operation::kAutoContrast),
              Pointwise(FloatNear(1e-4F), std::vector<float>{0, 51, 127.5F, 255}));
  EXPECT_THAT(changed({50, 50, 50, 50}, 2, Operation::kAutoContrast), Each(50));
}

TEST(PictureOperations, InvertsAndSolarizesFromTheThresholdOn) {
  EXPECT_THAT(changed({0, 100, 255, 1.5F}, 2, Operation::kInvert),
              ElementsAre(255, 155, 0, 253.5F));
  EXPECT_THAT(changed({0, 99.5F, 100, 255}, 2, Operation::kSolarize, 100),
              ElementsAre(0, 99.5F, 155, 0));
  EXPECT_THAT(changed({0, 100, 128, 255}, 2, Operation::kSolarizeAdd, 66),
              ElementsAre(66, 166, 128, 255));
}

TEST(PictureOperations, KeepsTheHighestBitsOfThePosterizedPicture) {
  EXPECT_THAT(changed({63, 64, 190.6F, 255}, 2, Operation::kPosterize, 2),
              ElementsAre(0, 64, 128, 192));
  EXPECT_THAT(changed({127, 128, 127.6F, 255}, 2, Operation::kPosterize, 1),
              ElementsAre(0, 128, 128, 128));
}

TEST(PictureOperations, BlendsWithBlackAndWithTheMean) {
  EXPECT_THAT(changed({0, 40, 100, 200}, 2, Operation::kBrightness, 1.5),
              ElementsAre(0, 60, 150, 255));
  // The mean, 85.
  EXPECT_THAT(changed({0, 40, 100, 200}, 2, Operation::kContrast, 0.5),
              ElementsAre(42.5F, 62.5F, 92.5F, 142.5F));
}

TEST(PictureOperations, SharpensAgainstTheSmoothedPictureInsideTheBorder) {
  const std::vector<float> spot{13, 13, 13, 13, 39, 13, 13, 13, 13};

  // Smoothed, the middle is (5 * 39 + 8 * 13) / 13 = 23.
  EXPECT_THAT(changed(spot, 3, Operation::kSharpness, 1.5),
              Pointwise(FloatNear(1e-4F), std::vector<float>{13, 13, 13, 13, 47, 13, 13, 13, 13}));
  EXPECT_THAT(changed(spot, 3, Operation::kSharpness, 0.5),
              Pointwise(FloatNear(1e-4F), std::vector<float>{13, 13, 13, 13, 31, 13, 13, 13, 13}));
}

TEST(PictureOperations, MovesAndFillsWithBlack) {
  const std::vector<float> grey{1, 2, 3, 4, 5, 6, 7, 8};

  EXPECT_THAT(changed(grey, 4, Operation::kTranslateX, 0.25), ElementsAre(2, 3, 4, 0, 6, 7, 8, 0));
  EXPECT_THAT(changed(grey, 4, Operation::kTranslateY, -0.5), ElementsAre(0, 0, 0, 0, 1, 2, 3, 4));
  // Row j is moved by 2 (j + 1/2).
  EXPECT_THAT(changed(grey, 4, Operation::kShearX, 2), ElementsAre(2, 3, 4, 0, 8, 0, 0, 0));
  // Column i by 2 (i + 1/2).
  EXPECT_THAT(changed(grey, 4, Operation::kShearY, 2), ElementsAre(5, 0, 0, 0, 0, 0, 0, 0));
}

TEST(PictureOperations, TurnsCounterclockwiseAboutTheMiddle) {
  EXPECT_THAT(changed({1, 2, 3, 4, 5, 6, 7, 8, 9}, 3, Operation::kRotate, 90),
              Pointwise(FloatNear(1e-4F), std::vector<float>{3, 6, 9, 2, 5, 8, 1, 4, 7}));
}

TEST(PictureOperations, MovesLabelsAsItMovesThePicture) {
  std::vector<std::uint8_t> labels{1, 2, 3, 4, 5, 6, 7, 8};

  change_picture_labels(labels, 4, 2, {Operation::kTranslateY, -0.5});
  EXPECT_THAT(labels, ElementsAre(0, 0, 0, 0, 1, 2, 3, 4));
  change_picture_labels(labels, 4, 2, {Operation::kInvert, 0});
  EXPECT_THAT(labels, ElementsAre(0, 0, 0, 0, 1, 2, 3, 4));
}

}  // namespace
}  // namespace marrow
