#include "clinical/report/slice_axes.h"

#include <cmath>

#include <Eigen/Geometry>
#include <gtest/gtest.h>

namespace marrow {
namespace {

Geometry grid(const Eigen::Matrix3d& direction) {
  return make_geometry({7, 9, 11}, {0.5, 0.8, 3.0}, {-20, 35, 12}, direction);
}

Eigen::Matrix3d rows(std::initializer_list<double> values) {
  Eigen::Matrix3d matrix;
  int at = 0;
  for (const double value : values) {
    matrix(at / 3, at % 3) = value;
    ++at;
  }
  return matrix;
}

TEST(SliceAxes, HangsAnAxialSliceWithThePatientsRightOnTheLeft) {
  const SliceAxes axes = slice_axes(grid(Eigen::Matrix3d::Identity()), 2);

  EXPECT_EQ(axes.plane, Plane::kAxial);
  EXPECT_EQ(axes.right, 0);
  EXPECT_EQ(axes.down, 1);
  EXPECT_FALSE(axes.flip_right);
  EXPECT_FALSE(axes.flip_down);
  EXPECT_EQ(axes.left_letters, "R");
  EXPECT_EQ(axes.right_letters, "L");
  EXPECT_EQ(axes.top_letters, "A");
  EXPECT_EQ(axes.bottom_letters, "P");
}

TEST(SliceAxes, FlipsAGridThatRunsToRightAndAnterior) {
  const SliceAxes axes = slice_axes(grid(rows({-1, 0, 0, 0, -1, 0, 0, 0, 1})), 2);

  EXPECT_TRUE(axes.flip_right);
  EXPECT_TRUE(axes.flip_down);
  EXPECT_EQ(axes.left_letters, "R");
  EXPECT_EQ(axes.top_letters, "A");
}

TEST(SliceAxes, PutsTheHeadUpInCoronalAndSagittalSlices) {
  const SliceAxes coronal = slice_axes(grid(Eigen::Matrix3d::Identity()), 1);
  EXPECT_EQ(coronal.plane, Plane::kCoronal);
  EXPECT_EQ(coronal.down, 2);
  EXPECT_TRUE(coronal.flip_down);
  EXPECT_EQ(coronal.top_letters + coronal.bottom_letters, "SI");
  EXPECT_EQ(coronal.left_letters + coronal.right_letters, "RL");

  const SliceAxes sagittal = slice_axes(grid(Eigen::Matrix3d::Identity()), 0);
  EXPECT_EQ(sagittal.plane, Plane::kSagittal);
  EXPECT_EQ(sagittal.right, 1);
  EXPECT_EQ(sagittal.top_letters + sagittal.bottom_letters, "SI");
  EXPECT_EQ(sagittal.left_letters + sagittal.right_letters, "AP");
}

TEST(SliceAxes, FollowsAPermutedGrid) {
  // i runs to the feet, j to the left, k to the front: a coronal stack stored head first.
  const Geometry geometry = grid(rows({0, 1, 0, 0, 0, -1, -1, 0, 0}));

  const SliceAxes axes = slice_axes(geometry, 2);

  EXPECT_EQ(axes.plane, Plane::kCoronal);
  EXPECT_EQ(axes.right, 1);
  EXPECT_EQ(axes.down, 0);
  EXPECT_FALSE(axes.flip_right);
  EXPECT_FALSE(axes.flip_down);
  EXPECT_EQ(plane_normal(geometry, Plane::kAxial), 0);
}

TEST(SliceAxes, NamesBothDirectionsOfAnObliqueGrid) {
  // Turned by 30 degrees about the left-right axis: front goes towards the head.
  const Eigen::Matrix3d turned =
      Eigen::AngleAxisd(M_PI / 6, Eigen::Vector3d::UnitX()).toRotationMatrix();

  const SliceAxes axes = slice_axes(grid(turned), 2);

  EXPECT_EQ(axes.plane, Plane::kAxial);
  EXPECT_EQ(axes.left_letters, "R");
  EXPECT_EQ(axes.bottom_letters, "PS");
  EXPECT_EQ(axes.top_letters, "AI");
}

TEST(SliceAxes, LeavesOutASmallTilt) {
  const Eigen::Matrix3d tilted =
      Eigen::AngleAxisd(0.17, Eigen::Vector3d::UnitX()).toRotationMatrix();

  EXPECT_EQ(slice_axes(grid(tilted), 2).bottom_letters, "P");
}

TEST(SliceAxes, GivesEveryPlaneItsOwnAxisAt45Degrees) {
  const Eigen::Matrix3d turned =
      Eigen::AngleAxisd(M_PI / 4, Eigen::Vector3d::UnitZ()).toRotationMatrix();
  const Geometry geometry = grid(turned);

  const int sagittal = plane_normal(geometry, Plane::kSagittal);
  const int coronal = plane_normal(geometry, Plane::kCoronal);

  EXPECT_NE(sagittal, coronal);
  EXPECT_EQ(plane_normal(geometry, Plane::kAxial), 2);
}

TEST(SliceAxes, CutsAcrossTheThickestDirection) {
  EXPECT_EQ(best_normal(grid(Eigen::Matrix3d::Identity())), 2);
  EXPECT_EQ(
      best_normal(make_geometry({30, 5, 40}, {1, 4, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity())),
      1);
  // Nearly equal: axial, whichever grid axis that is.
  EXPECT_EQ(best_normal(make_geometry(
                {30, 31, 32}, {1, 1.05, 1}, {0, 0, 0}, rows({0, 1, 0, 0, 0, -1, -1, 0, 0}))),
            0);
  EXPECT_EQ(
      best_normal(make_geometry({30, 1, 32}, {1, 1, 5}, {0, 0, 0}, Eigen::Matrix3d::Identity())),
      1);
}

}  // namespace
}  // namespace marrow
