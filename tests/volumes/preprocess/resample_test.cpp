#include "volumes/preprocess/resample.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/support/volumes.h"
#include "tests/volumes/preprocess/itk_resampler.h"

namespace marrow {
namespace {

using testing::fill_by_place;
using testing::itk_resampled;
using testing::oblique_grid;
using testing::PlainGrid;

PlainGrid plain(const Geometry& grid) {
  PlainGrid result;
  for (std::size_t row = 0; row < 3; ++row) {
    const auto at = static_cast<Eigen::Index>(row);
    result.size[row] = grid.size[row];
    result.spacing[row] = grid.spacing[at];
    result.origin[row] = grid.origin[at];
    for (std::size_t column = 0; column < 3; ++column) {
      result.direction[3 * row + column] = grid.direction(at, static_cast<Eigen::Index>(column));
    }
  }
  return result;
}

// Largest difference over voxels that lie at least `margin` target voxels inside.
double largest_inner_difference(const Volume& a, std::span<const float> b, std::int64_t margin) {
  double largest = 0;
  const Size3& size = a.geometry.size;
  for (std::int64_t k = margin; k < size[2] - margin; ++k) {
    for (std::int64_t j = margin; j < size[1] - margin; ++j) {
      for (std::int64_t i = margin; i < size[0] - margin; ++i) {
        largest = std::max(largest,
                           std::abs(static_cast<double>(a.at(i, j, k)) -
                                    static_cast<double>(b[a.offset(i, j, k)])));
      }
    }
  }
  return largest;
}

// Long waves along all three axes of the patient.
double waves(const Eigen::Vector3d& place) {
  return std::sin(place[0] / 4) + std::cos(place[1] / 5) + std::sin(place[2] / 7 + place[0] / 11);
}

TEST(Resample, KeepsCentreAndExtentOfTheGrid) {
  const Geometry grid = oblique_grid({10, 12, 8});

  const Geometry result = resampled_geometry(grid, {1.4, 0.55, 2.5});

  EXPECT_EQ(result.size, (Size3{5, 24, 8}));
  EXPECT_TRUE(result.spacing.isApprox(Eigen::Vector3d(1.4, 0.55, 2.5)));
  EXPECT_LT((result.to_physical({2, 11.5, 3.5}) - grid.to_physical({4.5, 5.5, 3.5})).norm(), 1e-9);
  // The corner of the extent, half a voxel outside the first centre.
  EXPECT_LT((result.to_physical({-0.5, -0.5, -0.5}) - grid.to_physical({-0.5, -0.5, -0.5})).norm(),
            1e-9);
}

TEST(Resample, RoundsTheNumberOfVoxelsUpSoThatNothingIsCutOff) {
  const Geometry grid =
      make_geometry({10, 10, 10}, {1, 1, 1}, {5, 5, 5}, Eigen::Matrix3d::Identity());

  const Geometry result = resampled_geometry(grid, {3, 4, 6});

  EXPECT_EQ(result.size, (Size3{4, 3, 2}));
  EXPECT_NEAR(result.origin[0], 5 + 4.5 - 1.5 * 3, 1e-9);
}

TEST(Resample, FitsTheLongerSideAndKeepsCentreAndShape) {
  const Geometry grid =
      make_geometry({500, 375, 3}, {1, 1, 7}, {10, 20, 30}, oblique_grid().direction);

  const Geometry fitted = fitted_geometry(grid, 256);

  EXPECT_EQ(fitted.size, (Size3{256, 192, 3}));
  EXPECT_NEAR(fitted.spacing[0], 500.0 / 256, 1e-12);
  EXPECT_NEAR(fitted.spacing[1], 500.0 / 256, 1e-12);
  EXPECT_EQ(fitted.spacing[2], 7);
  EXPECT_TRUE(
      fitted.to_physical({127.5, 95.5, 1}).isApprox(grid.to_physical({249.5, 187, 1}), 1e-12));
}

TEST(Resample, FitsByExtentWhereVoxelsAreOblong) {
  const Geometry grid =
      make_geometry({40, 30, 2}, {1, 2, 5}, {0, 0, 0}, Eigen::Matrix3d::Identity());

  EXPECT_EQ(fitted_geometry(grid, 30).size, (Size3{20, 30, 2}));
}

TEST(Resample, FitsToExactlyTheSizeAskedFor) {
  const auto sides = [](const Size3& size, std::int64_t fit) {
    return fitted_geometry(make_geometry(size, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity()),
                           fit)
        .size;
  };

  EXPECT_EQ(sides({2000, 1, 1}, 1999), (Size3{1999, 1, 1}));
  EXPECT_EQ(sides({1000, 3, 1}, 10), (Size3{10, 1, 1}));
  EXPECT_EQ(sides({3, 7, 1}, 7), (Size3{3, 7, 1}));
  EXPECT_EQ(sides({28, 28, 1}, 224), (Size3{224, 224, 1}));
}

TEST(Resample, LeavesASingleSliceSingle) {
  const Geometry grid = make_geometry({8, 6, 1}, {1, 1, 5}, {0, 0, 0}, Eigen::Matrix3d::Identity());

  const Geometry result = resampled_geometry(grid, {2, 2, 1});

  EXPECT_EQ(result.size, (Size3{4, 3, 1}));
  EXPECT_EQ(result.spacing[2], 5);
}

TEST(Resample, RefusesASpacingThatWouldFillTheMemory) {
  const Geometry grid =
      make_geometry({512, 512, 400}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());

  const std::string message = testing::error_of(ErrorCode::kResources, [&] {
    static_cast<void>(resampled_geometry(grid, {0.1, 0.1, 0.1}));
  });

  EXPECT_NE(message.find("coarser spacing_mm"), std::string::npos) << message;
}

double ramp(const Eigen::Vector3d& place) {
  return place.dot(Eigen::Vector3d(0.3, -0.2, 0.1));
}

TEST(Resample, ReproducesARampWhenRefining) {
  const Volume volume = fill_by_place<float>(oblique_grid({24, 20, 16}), ramp);
  const Geometry target = resampled_geometry(volume.geometry, {0.5, 0.9, 1.3});

  const Volume result = resampled(volume, target);

  EXPECT_LT(largest_inner_difference(result, fill_by_place<float>(target, ramp).voxels, 4), 2e-5);
}

TEST(Resample, FollowsARampWithinOnePercentOfAVoxelWhenCoarsening) {
  const Volume volume = fill_by_place<float>(oblique_grid({60, 50, 40}), ramp);
  const Geometry target = resampled_geometry(volume.geometry, {1.9, 2.9, 4.1});

  const Volume result = resampled(volume, target);

  // A step along the axes changes the ramp by at most 0.3 x 1.9, 0.2 x 2.9 and 0.1 x 4.1.
  EXPECT_LT(largest_inner_difference(result, fill_by_place<float>(target, ramp).voxels, 3),
            0.01 * 1.5);
}

TEST(Resample, FollowsASinusoidWithinTheErrorOfCubicConvolution) {
  const Volume volume = fill_by_place<float>(oblique_grid({40, 30, 16}), waves);
  const Geometry target = resampled_geometry(volume.geometry, {0.5, 0.8, 1.7});

  const Volume result = resampled(volume, target);

  // Keys' kernel errs by order h^3; the steepest wave turns by 0.36 rad per voxel.
  EXPECT_LT(largest_inner_difference(result, fill_by_place<float>(target, waves).voxels, 4), 4e-3);
}

TEST(Resample, AveragesAFineCheckerboardInsteadOfAliasingIt) {
  const Geometry grid =
      make_geometry({48, 48, 24}, {1, 1, 2}, {3, 4, 5}, Eigen::Matrix3d::Identity());
  Volume board = make_grid(grid, 0.0F);
  for (std::int64_t k = 0; k < 24; ++k) {
    for (std::int64_t j = 0; j < 48; ++j) {
      for (std::int64_t i = 0; i < 48; ++i) {
        board.at(i, j, k) = (i + j + k) % 2 == 0 ? 1.0F : -1.0F;
      }
    }
  }
  // 2.3 divides nothing: picking voxels would give a pattern of +1 and -1.
  const Volume result = resampled(board, resampled_geometry(grid, {2.3, 2.3, 4.6}));

  const std::vector<float> zeros(result.voxels.size(), 0.0F);
  EXPECT_LT(largest_inner_difference(result, zeros, 3), 0.01);
}

TEST(Resample, KeepsTheMeanOfNoiseWhenCoarsening) {
  const Geometry grid =
      make_geometry({60, 50, 40}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());
  Volume noise = make_grid(grid, 0.0F);
  Rng rng(5);
  for (float& value : noise.voxels) {
    value = static_cast<float>(100 + rng.normal());
  }

  const Volume result = resampled(noise, resampled_geometry(grid, {3, 3, 3}));

  double mean = 0;
  double squares = 0;
  for (const float value : result.voxels) {
    mean += static_cast<double>(value) / static_cast<double>(result.voxels.size());
    squares += (static_cast<double>(value) - 100) * (static_cast<double>(value) - 100) /
               static_cast<double>(result.voxels.size());
  }
  EXPECT_NEAR(mean, 100, 0.05);
  EXPECT_LT(std::sqrt(squares), 0.35);  // picking voxels keeps 1.0; a 3x3x3 mean has 0.19
}

TEST(Resample, CopiesVoxelsWhoseCentresCoincide) {
  const Volume volume = testing::textured(oblique_grid({9, 8, 6}), 2);

  EXPECT_EQ(resampled(volume, volume.geometry).voxels, volume.voxels);
}

TEST(ResamplePeer, AgreesWithItkBSplinesWhenRefiningASmoothVolume) {
  const Volume volume = fill_by_place<float>(oblique_grid({40, 30, 16}), waves);
  const Geometry target = resampled_geometry(volume.geometry, {0.5, 0.8, 1.7});

  const std::vector<float> expected = itk_resampled(plain(volume.geometry),
                                                    {volume.voxels.begin(), volume.voxels.end()},
                                                    plain(target),
                                                    {0, 0, 0});

  EXPECT_LT(largest_inner_difference(resampled(volume, target), expected, 5), 4e-3);
}

TEST(ResamplePeer, AgreesWithItksGaussianAndResamplerWhenCoarseningANoisyVolume) {
  const Geometry grid =
      make_geometry({60, 54, 48}, {1, 1.2, 1.5}, {-20, 8, 3}, oblique_grid().direction);
  Volume volume =
      fill_by_place<float>(grid, [](const Eigen::Vector3d& place) { return 3 * waves(place / 3); });
  Rng rng(11);
  for (float& value : volume.voxels) {
    value += static_cast<float>(0.5 * rng.normal());
  }
  const Geometry target = resampled_geometry(grid, {3, 3.6, 4.5});
  // A Gaussian of half the new spacing is the usual guard before sampling.
  const std::vector<float> expected = itk_resampled(
      plain(grid), {volume.voxels.begin(), volume.voxels.end()}, plain(target), {1.5, 1.8, 2.25});
  const Volume result = resampled(volume, target);

  // The signal spans +-9; both leave about 0.1 of the noise, and the Gaussian flattens the waves by
  // a percent; picking voxels would leave all of it, up to 1.6.
  EXPECT_LT(largest_inner_difference(result, expected, 3), 0.5);
  const Volume truth = fill_by_place<float>(
      target, [](const Eigen::Vector3d& place) { return 3 * waves(place / 3); });
  EXPECT_LT(largest_inner_difference(result, truth.voxels, 3), 0.45);
}

}  // namespace
}  // namespace marrow
