#include "volumes/reduction/kept_slices.h"

#include <gtest/gtest.h>

namespace marrow {
namespace {

StoredCase stored(const Geometry& source, const Geometry& prepared) {
  StoredCase made;
  made.source = source;
  made.geometry = prepared;
  return made;
}

ReducedCase without(std::int64_t axis, std::int64_t slices, std::vector<std::int64_t> dropped) {
  ReducedCase reduced{"a", axis, slices, {}};
  for (const std::int64_t slice : dropped) {
    reduced.dropped.push_back({slice, "dhash", "a", 0, 1});
  }
  return reduced;
}

TEST(KeptSlices, FollowAStackThatRunsTheOtherWay) {
  Eigen::Matrix3d downwards = Eigen::Matrix3d::Identity();
  downwards.col(2) *= -1;
  const Geometry source = make_geometry({8, 8, 4}, {1, 1, 2}, {0, 0, 6}, downwards);
  const Geometry prepared =
      make_geometry({8, 8, 4}, {1, 1, 2}, {0, 0, 0}, Eigen::Matrix3d::Identity());

  EXPECT_EQ(kept_prepared_slices(stored(source, prepared), without(2, 4, {0})),
            (std::vector<std::int64_t>{0, 1, 2}));
}

TEST(KeptSlices, OfAResampledCaseThoseNearestToKeptOnes) {
  const Eigen::Matrix3d identity = Eigen::Matrix3d::Identity();
  const Geometry source = make_geometry({8, 8, 3}, {1, 1, 4}, {0, 0, 0}, identity);
  const Geometry prepared = make_geometry({8, 8, 9}, {1, 1, 1}, {0, 0, 0}, identity);

  // k = 2 to 5 (and 6, half way, rounds up) lie nearest to the middle slice at 4 mm.
  EXPECT_EQ(kept_prepared_slices(stored(source, prepared), without(2, 3, {1})),
            (std::vector<std::int64_t>{0, 1, 6, 7, 8}));
}

TEST(KeptSlices, DoNotApplyToAnotherPlaneOrAChangedSource) {
  const Eigen::Matrix3d identity = Eigen::Matrix3d::Identity();
  const Geometry grid = make_geometry({8, 8, 3}, {1, 1, 4}, {0, 0, 0}, identity);

  EXPECT_FALSE(kept_prepared_slices(stored(grid, grid), without(0, 8, {1})));
  EXPECT_FALSE(kept_prepared_slices(stored(grid, grid), without(2, 5, {1})));
}

}  // namespace
}  // namespace marrow
