#include "clinical/metrics/surface_distance.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "core/rng.h"
#include "tests/support/clinical.h"

namespace marrow {
namespace {

SurfaceDistances measured(const LabelMap& a, const LabelMap& b) {
  return surface_distances(a, b, 1, structure_overlaps(a, b, {1})[0].box);
}

// Slow transcription: all pairs of voxels that touch the outside by a face.
std::vector<Eigen::Vector3d> surface_by_hand(const LabelMap& labels) {
  const Size3& size = labels.geometry.size;
  const auto inside = [&](std::int64_t i, std::int64_t j, std::int64_t k) {
    return i >= 0 && j >= 0 && k >= 0 && i < size[0] && j < size[1] && k < size[2] &&
           labels.at(i, j, k) == 1;
  };
  std::vector<Eigen::Vector3d> surface;
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i) {
        if (inside(i, j, k) &&
            !(inside(i - 1, j, k) && inside(i + 1, j, k) && inside(i, j - 1, k) &&
              inside(i, j + 1, k) && inside(i, j, k - 1) && inside(i, j, k + 1))) {
          surface.push_back(labels.geometry.to_physical(
              {static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}));
        }
      }
    }
  }
  return surface;
}

std::vector<double> directed_by_hand(const LabelMap& from, const LabelMap& to) {
  const auto targets = surface_by_hand(to);
  std::vector<double> distances;
  for (const Eigen::Vector3d& p : surface_by_hand(from)) {
    double best = 1e30;
    for (const Eigen::Vector3d& q : targets) {
      best = std::min(best, (p - q).norm());
    }
    distances.push_back(best);
  }
  return distances;
}

LabelMap flat_square(std::int64_t rows_from,
                     std::int64_t rows_to,
                     std::int64_t columns_from,
                     std::int64_t columns_to) {
  const Geometry grid = make_geometry({8, 8, 1}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());
  return box_mask(grid, {columns_from, rows_from, 0}, {columns_to, rows_to, 1});
}

TEST(SurfaceDistanceGolden, EqualsTheReferenceOnTwoRectangles) {
  const nlohmann::json expected = golden_json("metrics.json").at("dice_hard");
  const LabelMap a = flat_square(1, 5, 1, 5);
  const LabelMap b = flat_square(2, 7, 2, 6);

  const OverlapCounts counts = structure_overlaps(a, b, {1})[0].counts;
  const SurfaceDistances distances = measured(a, b);

  EXPECT_DOUBLE_EQ(counts.dice(), expected["dice"].get<double>());
  EXPECT_DOUBLE_EQ(counts.iou(), expected["iou"].get<double>());
  EXPECT_NEAR(hausdorff_mm(distances), expected["hd"].get<double>(), 1e-12);
  EXPECT_NEAR(
      hd95_mm(distances, SurfaceRule::kPooled), expected["hd95_pooled"].get<double>(), 1e-12);
  EXPECT_NEAR(assd_mm(distances, SurfaceRule::kPooled), expected["assd"].get<double>(), 1e-12);
}

// The figures that METHODS 13.2 gives for MONAI on the same masks.
TEST(SurfaceDistanceGolden, OffersTheDirectedDefinition) {
  const SurfaceDistances distances = measured(flat_square(1, 5, 1, 5), flat_square(2, 7, 2, 6));

  EXPECT_NEAR(hd95_mm(distances, SurfaceRule::kDirected), 2.083, 5e-4);
  EXPECT_NEAR(assd_mm(distances, SurfaceRule::kDirected), 1.041, 5e-4);
}

TEST(SurfaceDistance, EqualsAllPairsOnAnObliqueAnisotropicGrid) {
  const Geometry grid = oblique_grid({12, 9, 7});
  Rng rng(4);
  const LabelMap a = painted(grid, [&](auto, auto, auto) { return rng.chance(0.3) ? 1 : 0; });
  const LabelMap b = painted(grid, [&](auto, auto, auto) { return rng.chance(0.02) ? 1 : 2; });

  const SurfaceDistances distances = measured(a, b);

  const auto forth = directed_by_hand(a, b);
  const auto back = directed_by_hand(b, a);
  ASSERT_EQ(distances.from_reference.size(), forth.size());
  ASSERT_EQ(distances.from_prediction.size(), back.size());
  for (std::size_t p = 0; p < forth.size(); ++p) {
    ASSERT_NEAR(distances.from_reference[p], forth[p], 1e-9);
  }
  for (std::size_t p = 0; p < back.size(); ++p) {
    ASSERT_NEAR(distances.from_prediction[p], back[p], 1e-9);
  }
}

TEST(SurfaceDistance, OfAShiftedBoxIsTheShiftInMillimetres) {
  const Geometry grid = oblique_grid({20, 24, 16});
  const LabelMap a = box_mask(grid, {4, 5, 3}, {14, 8, 12});
  const LabelMap b = box_mask(grid, {4, 15, 3}, {14, 18, 12});

  EXPECT_NEAR(hausdorff_mm(measured(a, b)), 10 * 1.3, 1e-9);
}

TEST(SurfaceDistance, OfConcentricSpheresIsTheDifferenceOfTheirRadii) {
  const Geometry grid =
      make_geometry({60, 50, 30}, {1.0, 1.2, 2.0}, {5, -7, 11}, Eigen::Matrix3d::Identity());
  const auto sphere = [&](double radius) {
    return painted(grid, [=](std::int64_t i, std::int64_t j, std::int64_t k) {
      const Eigen::Vector3d d((static_cast<double>(i) - 29.5) * 1.0,
                              (static_cast<double>(j) - 24.5) * 1.2,
                              (static_cast<double>(k) - 14.5) * 2.0);
      return d.norm() <= radius ? 1 : 0;
    });
  };

  const SurfaceDistances distances = measured(sphere(20.0), sphere(14.0));

  // Surface voxels lie up to one voxel inside the true sphere.
  EXPECT_NEAR(assd_mm(distances, SurfaceRule::kPooled), 6.0, 0.5);
  EXPECT_NEAR(hd95_mm(distances, SurfaceRule::kPooled), 6.0, 1.2);
}

TEST(SurfaceDistance, CountsTheImageBorderAsOutside) {
  const Geometry grid = oblique_grid({6, 5, 4});
  const LabelMap whole = box_mask(grid, {0, 0, 0}, {6, 5, 4});

  const SurfaceDistances distances = measured(whole, whole);

  EXPECT_EQ(distances.from_reference.size(), 6U * 5U * 4U - 4U * 3U * 2U);
  EXPECT_EQ(hausdorff_mm(distances), 0.0);
}

TEST(SurfaceDistance, RefusesAnEmptyMask) {
  const Geometry grid = oblique_grid({6, 5, 4});
  const LabelMap some = box_mask(grid, {1, 1, 1}, {3, 3, 3});

  EXPECT_THROW((void)measured(some, make_grid<std::uint16_t>(grid)), Error);
}

TEST(Percentile, InterpolatesBetweenOrderStatistics) {
  EXPECT_DOUBLE_EQ(percentile({4, 1, 3, 2}, 50.0), 2.5);
  EXPECT_DOUBLE_EQ(percentile({4, 1, 3, 2}, 95.0), 3.85);
  EXPECT_DOUBLE_EQ(percentile({4, 1, 3, 2}, 100.0), 4.0);
  EXPECT_DOUBLE_EQ(percentile({7}, 95.0), 7.0);
}

TEST(Overlap, CountsEveryStructureInOnePass) {
  const Geometry grid = oblique_grid({5, 4, 3});
  const LabelMap a =
      painted(grid, [](std::int64_t i, auto, auto) { return i < 2 ? 1 : (i == 4 ? 7 : 0); });
  const LabelMap b = painted(grid, [](std::int64_t i, auto, auto) { return i < 3 ? 1 : 0; });

  const auto overlaps = structure_overlaps(a, b, {7, 1});

  EXPECT_EQ(overlaps[0].counts.reference, 12);
  EXPECT_EQ(overlaps[0].counts.predicted, 0);
  EXPECT_EQ(overlaps[1].counts.both, 24);
  EXPECT_DOUBLE_EQ(overlaps[1].counts.dice(), 2.0 * 24 / (24 + 36));
  EXPECT_EQ(overlaps[1].box.high, (Size3{3, 4, 3}));
  EXPECT_EQ(overlaps[0].box.low, (Size3{4, 0, 0}));
}

TEST(Overlap, RefusesAnotherGrid) {
  const LabelMap a = make_grid<std::uint16_t>(oblique_grid({5, 4, 3}));
  const LabelMap b = make_grid<std::uint16_t>(oblique_grid({5, 4, 2}));

  EXPECT_THROW((void)structure_overlaps(a, b, {1}), Error);
}

}  // namespace
}  // namespace marrow
