#include "volumes/preprocess/body_mask.h"

#include <numeric>

#include <gtest/gtest.h>

#include "tests/support/volumes.h"

namespace marrow {
namespace {

const Geometry kGrid = testing::oblique_grid({30, 24, 10});

// Tissue of 100 in a box, with a dark hole inside and a bright table apart from it.
Volume scene() {
  Volume volume = make_grid(kGrid, 0.0F);
  Rng rng(4);
  for (std::int64_t k = 0; k < 10; ++k) {
    for (std::int64_t j = 0; j < 24; ++j) {
      for (std::int64_t i = 0; i < 30; ++i) {
        const bool tissue = i >= 5 && i < 25 && j >= 4 && j < 18 && k >= 1 && k < 9;
        const bool hole = i >= 10 && i < 14 && j >= 8 && j < 12;
        const bool table = j >= 21 && j < 23;
        const double level = (tissue && !hole) || table ? 100.0 : 0.0;
        volume.at(i, j, k) = static_cast<float>(level + 3 * rng.uniform());
      }
    }
  }
  return volume;
}

TEST(BodyMask, SplitsTwoPopulationsBetweenThem) {
  const std::vector<float> values{1, 2, 1, 2, 1, 2, 50, 51, 52};

  const OtsuSplit split = otsu_split(values);

  EXPECT_GT(split.threshold, 2);
  EXPECT_LT(split.threshold, 50);
  EXPECT_NEAR(split.low_mean, 1.5, 0.2);
  EXPECT_NEAR(split.high_mean, 51, 0.2);
}

TEST(BodyMask, FillsHolesAndLeavesTheTableOut) {
  const std::vector<std::uint8_t> mask = body_mask(scene());

  const Volume where = make_grid(kGrid, 0.0F);
  EXPECT_EQ(mask[where.offset(6, 5, 4)], 1);
  EXPECT_EQ(mask[where.offset(12, 10, 4)], 1) << "the hole";
  EXPECT_EQ(mask[where.offset(12, 22, 4)], 0) << "the table";
  EXPECT_EQ(mask[where.offset(1, 1, 1)], 0) << "air";
  EXPECT_EQ(mask[where.offset(12, 10, 0)], 0) << "air below the hole";
  EXPECT_EQ(std::accumulate(mask.begin(), mask.end(), 0), 20 * 14 * 8);
}

TEST(BodyMask, TakesACropOfTissueWhole) {
  // Two tissues of 55 and 100 with noise, nothing near 0 but for a few voxels.
  Volume volume = make_grid(kGrid, 0.0F);
  Rng rng(9);
  for (std::size_t at = 0; at < volume.voxels.size(); ++at) {
    volume.voxels[at] = static_cast<float>((at % 30 < 15 ? 55 : 100) + 8 * rng.normal());
  }
  volume.voxels[17] = 0;

  const std::vector<std::uint8_t> mask = body_mask(volume);

  EXPECT_EQ(std::accumulate(mask.begin(), mask.end(), std::int64_t{0}), kGrid.voxels());
}

TEST(BodyMask, TakesAConstantVolumeWhole) {
  const std::vector<std::uint8_t> mask = body_mask(make_grid(kGrid, 4.0F));

  EXPECT_EQ(std::accumulate(mask.begin(), mask.end(), std::int64_t{0}), kGrid.voxels());
}

}  // namespace
}  // namespace marrow
