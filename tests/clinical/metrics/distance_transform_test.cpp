#include "clinical/metrics/distance_transform.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "core/rng.h"

namespace marrow {
namespace {

double nearest_by_hand(const std::vector<std::uint8_t>& feature,
                       const Size3& size,
                       const Eigen::Vector3d& spacing,
                       const Size3& at) {
  double best = std::numeric_limits<double>::infinity();
  std::size_t place = 0;
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i, ++place) {
        if (feature[place] != 0) {
          const Eigen::Vector3d d(static_cast<double>(i - at[0]) * spacing[0],
                                  static_cast<double>(j - at[1]) * spacing[1],
                                  static_cast<double>(k - at[2]) * spacing[2]);
          best = std::min(best, d.squaredNorm());
        }
      }
    }
  }
  return best;
}

class DistanceTransform : public testing::TestWithParam<double> {};

TEST_P(DistanceTransform, EqualsTheNearestFeatureOnAnAnisotropicGrid) {
  const Size3 size{13, 7, 11};
  const Eigen::Vector3d spacing(0.7, 2.1, 1.3);
  Rng rng(11);
  std::vector<std::uint8_t> feature(13 * 7 * 11);
  for (auto& value : feature) {
    value = rng.chance(GetParam()) ? 1 : 0;
  }
  feature[500] = 1;

  const std::vector<double> squared = squared_distances_mm(feature, size, spacing);

  std::size_t place = 0;
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i, ++place) {
        ASSERT_NEAR(squared[place], nearest_by_hand(feature, size, spacing, {i, j, k}), 1e-9)
            << i << " " << j << " " << k;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Densities, DistanceTransform, testing::Values(0.0, 0.01, 0.1, 0.6));

TEST(DistanceTransformEdges, MeasuresAlongEachAxisInMillimetres) {
  std::vector<std::uint8_t> feature(4 * 5 * 6, 0);
  feature[0] = 1;

  const std::vector<double> squared = squared_distances_mm(feature, {4, 5, 6}, {2.0, 3.0, 5.0});

  EXPECT_DOUBLE_EQ(squared[3], 36.0);
  EXPECT_DOUBLE_EQ(squared[4 * 4], 144.0);
  EXPECT_DOUBLE_EQ(squared[4 * 5 * 5], 625.0);
  EXPECT_DOUBLE_EQ(squared.back(), 36.0 + 144.0 + 625.0);
}

TEST(DistanceTransformEdges, IsInfiniteWithoutAFeature) {
  const std::vector<double> squared =
      squared_distances_mm(std::vector<std::uint8_t>(24, 0), {2, 3, 4}, {1, 1, 1});

  for (const double value : squared) {
    EXPECT_TRUE(std::isinf(value));
  }
}

}  // namespace
}  // namespace marrow
