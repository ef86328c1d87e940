#include "volumes/preprocess/intensity.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/support/volumes.h"

namespace marrow {
namespace {

Volume line_of(const std::vector<float>& values) {
  return make_grid(make_geometry({static_cast<std::int64_t>(values.size()), 1, 1},
                                 {1, 2, 3},
                                 {4, 5, 6},
                                 Eigen::Matrix3d::Identity()),
                   values);
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(Intensity, InterpolatesPercentilesAsNumpyDoes) {
  const std::vector<float> values{40, 10, 30, 20};

  std::vector<float> copy = values;
  EXPECT_DOUBLE_EQ(percentile(copy, 0), 10);
  EXPECT_DOUBLE_EQ(percentile(copy, 25), 17.5);
  EXPECT_DOUBLE_EQ(percentile(copy, 50), 25);
  EXPECT_DOUBLE_EQ(percentile(copy, 90), 37);
  EXPECT_DOUBLE_EQ(percentile(copy, 100), 40);
}

TEST(Intensity, MapsTheWindowOntoMinusOneToOneAndClipsTheRest) {
  Volume volume = line_of({-2000, -1000, 0, 500, 1000, 3000});

  scale_window(volume, -1000, 1000);

  EXPECT_EQ(volume.voxels, (VoxelVector<float>{-1, -1, 0, 0.5F, 1, 1}));
}

TEST(Intensity, ScoresByMeanAndDeviationOfTheBodyAlone) {
  // Body 2, 4, 4, 4, 5, 5, 7, 9: mean 5, standard deviation 2.
  Volume volume = line_of({2, 4, 4, 4, 5, 5, 7, 9, 2, 3});
  const std::vector<std::uint8_t> body{1, 1, 1, 1, 1, 1, 1, 1, 0, 0};

  z_score_body(volume, body, 0, 100);

  EXPECT_EQ(volume.voxels, (VoxelVector<float>{-1.5F, -0.5F, -0.5F, -0.5F, 0, 0, 1, 2, -1.5F, -1}));
}

TEST(Intensity, ClipsToThePercentilesOfTheBodyBeforeScoring) {
  // Body 0, 10, 20, 30, 1000: 25th and 75th percentile 10 and 30, clipped to 10, 10, 20, 30, 30.
  Volume volume = line_of({0, 10, 20, 30, 1000, -7});
  const std::vector<std::uint8_t> body{1, 1, 1, 1, 1, 0};

  z_score_body(volume, body, 25, 75);

  const auto one = static_cast<float>(10 / std::sqrt(80.0));
  EXPECT_FLOAT_EQ(volume.voxels[0], -one);
  EXPECT_FLOAT_EQ(volume.voxels[1], -one);
  EXPECT_FLOAT_EQ(volume.voxels[2], 0);
  EXPECT_FLOAT_EQ(volume.voxels[3], one);
  EXPECT_FLOAT_EQ(volume.voxels[4], one);
  EXPECT_FLOAT_EQ(volume.voxels[5], -one);
}

TEST(Intensity, MakesAVolumeWithoutContrastZero) {
  Volume volume = line_of({7, 7, 7});

  z_score_body(volume, std::vector<std::uint8_t>{1, 1, 1}, 0.5, 99.5);

  EXPECT_EQ(volume.voxels, (VoxelVector<float>{0, 0, 0}));
}

TEST(Intensity, ReplacesIsolatedVoxelsThatAreNotFiniteBySmallestValue) {
  std::vector<float> values(300, 5.0F);
  values[7] = -3;
  values[10] = kNan;
  values[20] = std::numeric_limits<float>::infinity();
  values[30] = -std::numeric_limits<float>::infinity();
  Volume volume = line_of(values);

  EXPECT_EQ(replace_not_finite(volume), 3);

  EXPECT_EQ(volume.voxels[10], -3);
  EXPECT_EQ(volume.voxels[20], -3);
  EXPECT_EQ(volume.voxels[30], -3);
  EXPECT_EQ(volume.voxels[31], 5);
}

TEST(Intensity, RefusesAVolumeWithMoreThanOnePercentNotFinite) {
  std::vector<float> values(300, 5.0F);
  std::fill_n(values.begin(), 4, kNan);
  Volume volume = line_of(values);

  const std::string message = testing::error_of(
      ErrorCode::kRefused, [&] { static_cast<void>(replace_not_finite(volume)); });

  EXPECT_NE(message.find("4 of 300 voxels"), std::string::npos) << message;
}

}  // namespace
}  // namespace marrow
