#include "volumes/augment/spatial.h"

#include <cmath>
#include <string>

#include <Eigen/LU>
#include <gtest/gtest.h>

#include "core/error.h"

namespace marrow {
namespace {

constexpr Size3 kPatch{12, 10, 8};

AugmentOptions everything_spatial() {
  AugmentOptions options;
  options.flip = 0.5;
  options.flip_axes = {"left-right", "front-back", "foot-head"};
  options.rotate = 1.0;
  options.rotate_degrees = 180;
  options.scale = 1.0;
  return options;
}

TEST(Spatial, ChangesNothingByDefault) {
  const SpatialChange change = draw_spatial(AugmentOptions{}, kPatch, 5);

  EXPECT_FALSE(change.interpolates());
  EXPECT_EQ(change.flip, (std::array<bool, 3>{false, false, false}));
  EXPECT_TRUE(inverse_map(change, {0.8, 1.25, 2.5}, kPatch).isIdentity(0));
}

TEST(Spatial, NeverSwapsLeftAndRightWhenLateralityMatters) {
  AugmentOptions options = everything_spatial();
  options.laterality_sensitive = true;

  int flips_of_other_axes = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const SpatialChange change = draw_spatial(options, kPatch, seed);
    EXPECT_FALSE(change.flip[0]);
    // Moving along i in the patch moves along i, not against it, in the volume.
    EXPECT_GT(inverse_map(change, {0.8, 1.25, 2.5}, kPatch)(0, 0), 0) << seed;
    flips_of_other_axes += (change.flip[1] ? 1 : 0) + (change.flip[2] ? 1 : 0);
  }

  EXPECT_NEAR(flips_of_other_axes, 200, 40);
}

TEST(Spatial, SwapsLeftAndRightInTheShareAskedForOtherwise) {
  int flips = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    flips += draw_spatial(everything_spatial(), kPatch, seed).flip[0] ? 1 : 0;
  }

  EXPECT_NEAR(flips, 100, 28);
}

TEST(Spatial, TurnsAndFlipsOneSliceWithinItsPlane) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Size3 slice{12, 10, 1};
    const SpatialChange change = draw_spatial(everything_spatial(), slice, seed);
    const Eigen::Matrix3d map = inverse_map(change, {0.8, 1.25, 2.5}, slice);

    EXPECT_FALSE(change.flip[2]);
    EXPECT_EQ(map.row(2), Eigen::RowVector3d(0, 0, 1));
    EXPECT_EQ(map.col(2), Eigen::Vector3d(0, 0, 1));
    EXPECT_EQ(source_region({{3, 4, 5}, slice}, map).source.size[2], 1);
  }
}

TEST(Spatial, TurnsInMillimetres) {
  SpatialChange change;
  change.degrees = {0, 0, 90};

  // A step along i of the patch (1 mm) turns back to a step against j, whose voxels are 2 mm wide;
  // and so on.
  const Eigen::Matrix3d map = inverse_map(change, {1, 2, 5}, kPatch);

  Eigen::Matrix3d expected;
  expected << 0, 2, 0, -0.5, 0, 0, 0, 0, 1;
  EXPECT_TRUE(map.isApprox(expected, 1e-12)) << map;
}

TEST(Spatial, KeepsLengthsInMillimetresUpToTheZoom) {
  SpatialChange change;
  change.degrees = {10, -20, 35};
  change.zoom = 1.25;
  change.flip = {true, false, false};
  const Eigen::Vector3d spacing(0.8, 1.25, 2.5);

  const Eigen::Matrix3d in_mm = spacing.asDiagonal() * inverse_map(change, spacing, kPatch) *
                                spacing.cwiseInverse().asDiagonal();

  EXPECT_TRUE((in_mm.transpose() * in_mm).isApprox(Eigen::Matrix3d::Identity() / 1.5625, 1e-12));
  EXPECT_NEAR(in_mm.determinant(), -1 / 1.953125, 1e-12);
}

TEST(Spatial, ReadsABoxThatHoldsTheNeighboursOfEveryPosition) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const SpatialChange change = draw_spatial(everything_spatial(), kPatch, seed);
    const SourceRegion region =
        source_region({{-3, 20, 7}, kPatch}, inverse_map(change, {0.8, 1.25, 2.5}, kPatch));

    for (int corner = 0; corner < 8; ++corner) {
      const Eigen::Vector3d index((corner & 1) * 11, (corner >> 1 & 1) * 9, (corner >> 2 & 1) * 7);
      const Eigen::Vector3d at = region.map.origin + region.map.steps * index;
      for (int axis = 0; axis < 3; ++axis) {
        EXPECT_GE(at[axis], 0);
        EXPECT_LT(at[axis],
                  static_cast<double>(region.source.size[static_cast<std::size_t>(axis)] - 1));
      }
    }
    // The centre of the patch stays where it was.
    const Eigen::Vector3d centre =
        region.map.origin + region.map.steps * Eigen::Vector3d(5.5, 4.5, 3.5);
    EXPECT_NEAR(centre[0] + static_cast<double>(region.source.start[0]), 2.5, 1e-9);
    EXPECT_NEAR(centre[1] + static_cast<double>(region.source.start[1]), 24.5, 1e-9);
    EXPECT_NEAR(centre[2] + static_cast<double>(region.source.start[2]), 10.5, 1e-9);
  }
}

TEST(Spatial, ReadsNoMoreThanTheTurnedPatchNeeds) {
  SpatialChange change;
  change.zoom = 2;

  const SourceRegion region =
      source_region({{10, 10, 10}, {8, 8, 8}}, inverse_map(change, {1, 1, 1}, {8, 8, 8}));

  EXPECT_EQ(region.source.size, (Size3{6, 6, 6}));  // positions 11.75 .. 15.25
  EXPECT_EQ(region.source.start, (std::array<std::int64_t, 3>{11, 11, 11}));
}

TEST(Spatial, RefusesARangeWhoseEndsAreSwapped) {
  AugmentOptions options;
  options.gamma_range = {1.5, 0.7};

  try {
    check_augment(options);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("augment.gamma_range: expected two numbers"),
              std::string::npos);
    EXPECT_NE(std::string(error.what()).find("1.5, 0.7"), std::string::npos);
  }
}

AugmentOptions always_cropped() {
  AugmentOptions options;
  options.crop = 1;
  options.crop_scale = {0.2, 0.6};
  options.crop_ratio = {0.5, 2.0};
  return options;
}

TEST(SpatialCrop, KeepsTheOtherChoicesOfASeed) {
  AugmentOptions options = everything_spatial();
  const SpatialChange plain = draw_spatial(options, kPatch, 31);
  options.crop = 1;

  const SpatialChange cropped = draw_spatial(options, kPatch, 31);

  EXPECT_EQ(cropped.flip, plain.flip);
  EXPECT_EQ(cropped.degrees, plain.degrees);
  EXPECT_EQ(cropped.zoom, plain.zoom);
  EXPECT_NE(cropped.crop_share, plain.crop_share);
}

TEST(SpatialCrop, DrawsAreaAndRatioOfOneSliceUniformlyInsideThePatch) {
  const Size3 slice{40, 30, 1};
  double area = 0;
  double log_ratio = 0;
  double squared_log_ratio = 0;
  constexpr int kDraws = 4000;
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    const SpatialChange change = draw_spatial(always_cropped(), slice, seed);
    const double share = change.crop_share[0] * change.crop_share[1];
    const double ratio = std::log(change.crop_share[0] / change.crop_share[1]);
    area += share;
    log_ratio += ratio;
    squared_log_ratio += ratio * ratio;
    ASSERT_TRUE(share >= 0.2 && share <= 0.6) << share;
    ASSERT_LE(std::abs(ratio), std::log(2.0) + 1e-9);
    ASSERT_EQ(change.crop_share[2], 1);
    ASSERT_EQ(change.crop_shift[2], 0);
    for (Eigen::Index axis = 0; axis < 2; ++axis) {
      const double side = static_cast<double>(slice[static_cast<std::size_t>(axis)]);
      ASSERT_LE(std::abs(change.crop_shift[axis]) + change.crop_share[axis] * side / 2,
                side / 2 + 1e-9);
    }
  }

  // Large areas of extreme ratios do not fit and are drawn again, which takes a little off both.
  EXPECT_NEAR(area / kDraws, 0.4, 0.01);
  EXPECT_NEAR(log_ratio / kDraws, 0, 0.025);
  EXPECT_NEAR(squared_log_ratio / kDraws, std::pow(std::log(2.0), 2) / 3, 0.01);
}

TEST(SpatialCrop, TakesAShareOfTheVolumeOfAThickPatchAndKeepsItsShape) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const SpatialChange change = draw_spatial(always_cropped(), kPatch, seed);
    EXPECT_EQ(change.crop_share[0], change.crop_share[1]);
    EXPECT_EQ(change.crop_share[0], change.crop_share[2]);
    EXPECT_GE(change.crop_share.prod(), 0.2 - 1e-12);
    EXPECT_LE(change.crop_share.prod(), 0.6 + 1e-12);
  }
}

TEST(SpatialCrop, FallsBackOnTheLargestCentralPartWhereNoneFits) {
  AugmentOptions options = always_cropped();
  options.crop_scale = {0.9, 0.9};
  options.crop_ratio = {4, 4};

  const SpatialChange change = draw_spatial(options, {40, 30, 1}, 3);

  EXPECT_TRUE(change.crop_share.isApprox(Eigen::Vector3d(1, 0.25, 1), 1e-12));
}

TEST(SpatialCrop, MapsTheCornersOfThePatchOntoThoseOfThePart) {
  SpatialChange change;
  change.crop_share = {0.5, 0.25, 1};
  change.crop_shift = {2.5, -3, 0};
  const Box box{{10, 20, 5}, {8, 16, 1}};

  const SourceRegion region =
      source_region(box, inverse_map(change, {1, 1, 1}, box.size), change.crop_shift);

  // The part has 4 x 4 voxels around (13.5 + 2.5, 27.5 - 3); centres of the outermost voxels lie
  // half a new voxel (0.25) inside its border.
  const Eigen::Vector3d start(static_cast<double>(region.source.start[0]),
                              static_cast<double>(region.source.start[1]),
                              static_cast<double>(region.source.start[2]));
  const Eigen::Vector3d first = start + region.map.origin;
  const Eigen::Vector3d last = first + region.map.steps * Eigen::Vector3d(7, 15, 0);
  EXPECT_TRUE(first.isApprox(Eigen::Vector3d(14.25, 22.625, 5), 1e-12)) << first.transpose();
  EXPECT_TRUE(last.isApprox(Eigen::Vector3d(17.75, 26.375, 5), 1e-12)) << last.transpose();
  EXPECT_EQ(region.source.size[2], 1);
}

TEST(SpatialCrop, NamesAMisshapenRange) {
  AugmentOptions options;
  options.crop_ratio = {2, 1};

  try {
    check_augment(options);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("augment.crop_ratio"), std::string::npos);
  }
}

}  // namespace
}  // namespace marrow
