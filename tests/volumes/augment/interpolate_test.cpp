#include "volumes/augment/interpolate.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"

namespace marrow {
namespace {

// The textbook formula, voxel by voxel, in double.
double slow_trilinear(const std::vector<float>& source,
                      const Size3& size,
                      const Eigen::Vector3d& at) {
  double sum = 0;
  for (int corner = 0; corner < 8; ++corner) {
    double weight = 1;
    std::array<std::int64_t, 3> voxel{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const double position = at[static_cast<Eigen::Index>(axis)];
      const double low = std::floor(position);
      const bool upper = (corner >> axis & 1) != 0;
      weight *= upper ? position - low : 1 - (position - low);
      voxel[axis] = std::min(static_cast<std::int64_t>(low) + (upper ? 1 : 0), size[axis] - 1);
    }
    sum +=
        weight *
        static_cast<double>(
            source[static_cast<std::size_t>(voxel[0] + size[0] * (voxel[1] + size[1] * voxel[2]))]);
  }
  return sum;
}

std::vector<float> uneven_values(const Size3& size) {
  std::vector<float> values(static_cast<std::size_t>(size[0] * size[1] * size[2]));
  for (std::size_t n = 0; n < values.size(); ++n) {
    values[n] = static_cast<float>(n * 7919 % 1009) / 500.0F - 1.0F;
  }
  return values;
}

void expect_like_the_slow_formula(const Size3& source_size,
                                  const VoxelMap& map,
                                  const Size3& size) {
  const std::vector<float> source = uneven_values(source_size);
  std::vector<float> out(static_cast<std::size_t>(size[0] * size[1] * size[2]));

  interpolate_linear(source, source_size, map, size, out);

  std::size_t n = 0;
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i, ++n) {
        const Eigen::Vector3d at = map.origin + map.steps * Eigen::Vector3d(static_cast<double>(i),
                                                                            static_cast<double>(j),
                                                                            static_cast<double>(k));
        // Positions are float along a run: 1e-5 voxels, times differences of up to 2 between
        // voxels.
        ASSERT_NEAR(out[n], slow_trilinear(source, source_size, at), 1e-4)
            << i << " " << j << " " << k;
      }
    }
  }
}

TEST(InterpolateLinear, AgreesWithTheTextbookFormulaUnderAnObliqueMap) {
  VoxelMap map;
  map.origin = {1.3, 4.7, 2.2};
  // 150 voxels a row: more than two runs, the last one cut.
  map.steps << 0.31, -0.05, 0.12, 0.04, 0.4, -0.03, 0.02, 0.06, 0.5;

  expect_like_the_slow_formula({55, 22, 17}, map, {150, 13, 7});
}

TEST(InterpolateLinear, AgreesWithTheTextbookFormulaInOneSlice) {
  VoxelMap map;
  map.origin = {0.25, 3.5, 0};
  map.steps << 0.6, 0.1, 0, -0.04, 0.7, 0, 0, 0, 1;

  expect_like_the_slow_formula({50, 20, 1}, map, {70, 19, 1});
}

TEST(InterpolateLinear, AgreesWithTheTextbookFormulaAlongAxesOfOneVoxel) {
  VoxelMap map;
  map.steps << 1, 0, 0, 0, 0.45, 0, 0, 0, 0.3;

  expect_like_the_slow_formula({1, 9, 8}, map, {1, 17, 20});
}

TEST(InterpolateLinear, RefusesAMapThatLeavesTheSource) {
  const std::vector<float> source(5 * 5 * 5);
  std::vector<float> out(4 * 4 * 4);
  VoxelMap map;
  map.origin = {0, 1.0, 0};  // j reaches 4, whose upper neighbour is outside

  EXPECT_THROW(interpolate_linear(source, {5, 5, 5}, map, {4, 4, 4}, out), Error);
}

TEST(InterpolateNearest, TakesTheVoxelThatHoldsThePosition) {
  const std::vector<std::uint8_t> source{10, 11, 12, 13};
  std::vector<std::uint8_t> out(5);
  VoxelMap map;
  map.origin = {0.4, 0, 0};
  map.steps(0, 0) = 0.6;  // 0.4 1.0 1.6 2.2 2.8

  interpolate_nearest(source, {4, 1, 1}, map, {5, 1, 1}, out);

  EXPECT_EQ(out, (std::vector<std::uint8_t>{10, 11, 12, 12, 13}));
}

}  // namespace
}  // namespace marrow
