#include "core/geometry.h"

#include <Eigen/Geometry>
#include <gtest/gtest.h>

#include "core/error.h"

namespace marrow {
namespace {

TEST(Geometry, MapsCornerVoxelOfAnObliqueGridToPatientPosition) {
  Eigen::Matrix3d quarter_turn;  // i -> +P, j -> -L, k -> +S
  quarter_turn << 0, -1, 0, 1, 0, 0, 0, 0, 1;
  const Geometry grid = make_geometry({4, 5, 6}, {0.5, 2.0, 3.0}, {10, 20, 30}, quarter_turn);

  const Eigen::Vector3d corner = grid.to_physical({3, 4, 5});

  EXPECT_TRUE(corner.isApprox(Eigen::Vector3d(2.0, 21.5, 45.0)));
  EXPECT_TRUE(grid.to_index(corner).isApprox(Eigen::Vector3d(3, 4, 5)));
}

TEST(Geometry, RejectsZeroSpacingAndSaysSo) {
  try {
    static_cast<void>(make_geometry({4, 5, 6}, {1, 0, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity()));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("positive, finite spacing"), std::string::npos)
        << error.what();
  }
}

TEST(Geometry, RejectsEmptyAxesHugeGridsAndSkewedDirections) {
  const Eigen::Matrix3d identity = Eigen::Matrix3d::Identity();
  EXPECT_THROW(static_cast<void>(make_geometry({4, 0, 6}, {1, 1, 1}, {0, 0, 0}, identity)), Error);
  EXPECT_THROW(static_cast<void>(make_geometry(
                   {1LL << 40, 1LL << 40, 1LL << 40}, {1, 1, 1}, {0, 0, 0}, identity)),
               Error);
  Eigen::Matrix3d skewed = identity;
  skewed(0, 1) = 0.01;
  EXPECT_THROW(static_cast<void>(make_geometry({4, 5, 6}, {1, 1, 1}, {0, 0, 0}, skewed)), Error);
  EXPECT_THROW(static_cast<void>(make_geometry({4, 5, 6}, {1, 1, 1}, {0, NAN, 0}, identity)),
               Error);
}

TEST(Geometry, AnAffineGivesBackItsGrid) {
  const Eigen::Matrix3d direction = (Eigen::AngleAxisd(0.3, Eigen::Vector3d::UnitX()) *
                                     Eigen::AngleAxisd(-0.2, Eigen::Vector3d::UnitZ()))
                                        .matrix();
  const Geometry grid = make_geometry({4, 5, 6}, {0.5, 2.0, 3.0}, {-10, 20, 30}, direction);

  const Geometry back = geometry_from_affine(grid.size, grid.affine());

  EXPECT_EQ(geometry_difference(grid, back), "");
}

TEST(Geometry, RefusesAShearedAffine) {
  Eigen::Matrix4d affine = Eigen::Matrix4d::Identity();
  affine(0, 2) = 0.2;
  try {
    static_cast<void>(geometry_from_affine({4, 5, 6}, affine));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("sheared"), std::string::npos);
  }
}

TEST(Geometry, NamesTheFirstDifferenceOfTwoGrids) {
  const Eigen::Matrix3d identity = Eigen::Matrix3d::Identity();
  const Geometry a = make_geometry({4, 5, 6}, {1, 1, 1}, {0, 0, 0}, identity);
  EXPECT_EQ(geometry_difference(a, a), "");
  EXPECT_NE(geometry_difference(a, make_geometry({4, 5, 7}, {1, 1, 1}, {0, 0, 0}, identity))
                .find("4x5x6"),
            std::string::npos);
  EXPECT_NE(geometry_difference(a, make_geometry({4, 5, 6}, {1, 1.01, 1}, {0, 0, 0}, identity))
                .find("spacing"),
            std::string::npos);
  EXPECT_NE(geometry_difference(a, make_geometry({4, 5, 6}, {1, 1, 1}, {0, 0.5, 0}, identity))
                .find("origin"),
            std::string::npos);
  EXPECT_EQ(
      geometry_difference(a, make_geometry({4, 5, 6}, {1, 1.0005, 1}, {0, 0.005, 0}, identity)),
      "");
}

}  // namespace
}  // namespace marrow
