#include "volumes/reduction/slice_pictures.h"

#include <limits>

#include <gtest/gtest.h>

namespace marrow {
namespace {

Volume counting(const Size3& size,
                const Eigen::Vector3d& spacing,
                const Eigen::Matrix3d& direction) {
  Volume volume = make_grid<float>(make_geometry(size, spacing, {0, 0, 0}, direction));
  for (std::size_t n = 0; n < volume.voxels.size(); ++n) {
    volume.voxels[n] = static_cast<float>(n);
  }
  return volume;
}

TEST(SlicePictures, WindowMapsHounsfieldUnitsToTheSameGreyInEverySlice) {
  Volume volume = counting({2, 2, 2}, {1, 1, 1}, Eigen::Matrix3d::Identity());
  volume.voxels = {-1000, 1000, -1000, 0, 0, 3000, -3000, 500};

  const SlicePictures pictures = slice_pictures(volume, Modality::kCt, {});

  EXPECT_EQ(pictures.count, 2);
  EXPECT_EQ(pictures.pixels, (std::vector<std::uint8_t>{0, 255, 0, 128, 128, 255, 0, 191}));
}

TEST(SlicePictures, LegacyScaleTakesEachSliceByItselfAndCountsMinus2000AsZero) {
  Volume volume = counting({3, 2, 2}, {1, 1, 1}, Eigen::Matrix3d::Identity());
  volume.voxels = {-2000, 50, 100, 0, 0, 0, 7, 7, 7, 7, 7, 7};

  const SlicePictures pictures =
      slice_pictures(volume, Modality::kCt, {.scale = PictureScale::kSliceMinMax});

  EXPECT_EQ(pictures.pixels, (std::vector<std::uint8_t>{0, 128, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(pictures.constant, (std::vector<bool>{false, true}));
}

TEST(SlicePictures, AreInAnatomicalOrderWhicheverWayTheFileRuns) {
  Eigen::Matrix3d downwards = Eigen::Matrix3d::Identity();
  downwards.col(2) *= -1;
  const Volume up = counting({4, 3, 5}, {1, 1, 3}, Eigen::Matrix3d::Identity());
  Volume down = counting({4, 3, 5}, {1, 1, 3}, downwards);
  for (std::int64_t k = 0; k < 5; ++k) {
    std::copy_n(up.voxels.begin() + 12 * k, 12, down.voxels.begin() + 12 * (4 - k));
  }

  const SlicePictures a = slice_pictures(up, Modality::kMr, {});
  const SlicePictures b = slice_pictures(down, Modality::kMr, {});

  EXPECT_EQ(a.pixels, b.pixels);
  EXPECT_EQ(a.source, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(b.source, (std::vector<std::int64_t>{4, 3, 2, 1, 0}));
}

TEST(SlicePictures, FollowTheAxisOfTheThickSteps) {
  const Eigen::Matrix3d identity = Eigen::Matrix3d::Identity();

  EXPECT_EQ(slice_axis(make_geometry({9, 9, 9}, {5, 1, 1}, {0, 0, 0}, identity)), 0);
  EXPECT_EQ(slice_axis(make_geometry({9, 9, 9}, {1, 1, 1}, {0, 0, 0}, identity)), 2);
  EXPECT_EQ(slice_axis(make_geometry({9, 1, 9}, {1, 1, 1}, {0, 0, 0}, identity)), 1);
}

TEST(SlicePictures, FollowTheAxisWhoseStepsAreUnlikeThoseOfSquarePixels) {
  const auto axis = [](const Eigen::Vector3d& spacing) {
    return slice_axis(make_geometry({9, 8, 7}, spacing, {0, 0, 0}, Eigen::Matrix3d::Identity()));
  };

  EXPECT_EQ(axis({3.25, 3.25, 3.6}), 2);
  EXPECT_EQ(axis({3.6, 3.25, 3.25}), 0);
  EXPECT_EQ(axis({3.25, 3.6, 3.25001}), 1);
  EXPECT_EQ(axis({0.5, 1, 1}), 0) << "thin slices";
  EXPECT_EQ(axis({1, 1.001, 1}), 2) << "equal but for rounding";
  EXPECT_EQ(axis({1, 1.1, 1.15}), 2) << "none is odd";
  EXPECT_EQ(axis({1, 1.1, 0.9}), 1) << "none is odd, and one is much larger than k";
}

// A nearly cubic sagittal scan, and what a program makes of it that stores all volumes in RAS.
TEST(SlicePictures, OfAReexportWithOtherAxesAreThoseOfTheScan) {
  Eigen::Matrix3d sagittal;  // i -> +P, j -> -S, k -> +L
  sagittal << 0, 0, 1, 1, 0, 0, 0, -1, 0;
  const Volume scan = counting({7, 6, 5}, {3.25, 3.25, 3.6}, sagittal);
  AxisMoves moves;
  moves.from = {2, 0, 1};
  moves.flipped = {true, true, true};
  const Volume reexport = reoriented(scan, moves);

  const SlicePictures a = slice_pictures(scan, Modality::kMr, {});
  const SlicePictures b = slice_pictures(reexport, Modality::kMr, {});

  EXPECT_EQ(a.axis, 2);
  EXPECT_EQ(b.axis, 0);
  EXPECT_EQ(a.plane, 0);
  EXPECT_EQ(b.plane, 0);
  EXPECT_EQ(a.count, 5);
  EXPECT_EQ(a.pixels, b.pixels);
  EXPECT_EQ(a.source, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(b.source, (std::vector<std::int64_t>{4, 3, 2, 1, 0}));
}

TEST(SlicePictures, VoxelsThatAreNoNumbersAreBlack) {
  Volume volume = counting({3, 1, 1}, {1, 1, 1}, Eigen::Matrix3d::Identity());
  volume.voxels = {std::numeric_limits<float>::quiet_NaN(), 0, 1000};

  EXPECT_EQ(slice_pictures(volume, Modality::kCt, {}).pixels,
            (std::vector<std::uint8_t>{0, 128, 255}));
}

}  // namespace
}  // namespace marrow
