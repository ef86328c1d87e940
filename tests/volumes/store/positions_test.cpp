#include "volumes/store/positions.h"

#include <set>

#include <gtest/gtest.h>

namespace marrow {
namespace {

// Class 2 wherever i is odd, class 1 elsewhere.
std::vector<std::uint8_t> stripes(const Size3& size) {
  std::vector<std::uint8_t> map;
  for (std::int64_t at = 0; at < size[0] * size[1] * size[2]; ++at) {
    map.push_back(at % size[0] % 2 == 1 ? 2 : 1);
  }
  return map;
}

TEST(Positions, BelongToTheClassAndDoNotRepeat) {
  const Size3 size{60, 50, 40};

  const PositionSet set = sample_positions(stripes(size), size, 2, 2, "case");

  EXPECT_EQ(set.voxels.size(), 60U * 50 * 40 / 2 / 32);
  std::set<std::array<std::int32_t, 3>> seen;
  for (const std::array<std::int32_t, 3>& voxel : set.voxels) {
    EXPECT_EQ(voxel[0] % 2, 1);
    EXPECT_TRUE(seen.insert(voxel).second);
    EXPECT_TRUE(voxel[0] < 60 && voxel[1] < 50 && voxel[2] < 40);
  }
}

TEST(Positions, AreSpreadOverTheWholeStructure) {
  const Size3 size{60, 50, 40};

  const PositionSet set = sample_positions(stripes(size), size, 2, 2, "case");

  std::array<int, 40> per_slice{};
  for (const std::array<std::int32_t, 3>& voxel : set.voxels) {
    ++per_slice[static_cast<std::size_t>(voxel[2])];
  }
  // 1875 positions over 40 slices: 46.9 each, and a stratum straddles each border at most.
  for (const int count : per_slice) {
    EXPECT_NEAR(count, 46.9, 2);
  }
}

TEST(Positions, KeepEveryVoxelOfASmallStructure) {
  const Size3 size{9, 7, 5};
  std::vector<std::uint8_t> map(9 * 7 * 5, 0);
  map[0] = 4;
  map[1 + 9 * (2 + 7 * 3)] = 4;

  const PositionSet set = sample_positions(map, size, 4, 4, "case");

  ASSERT_EQ(set.voxels.size(), 2U);
  EXPECT_EQ(set.voxels[1], (std::array<std::int32_t, 3>{1, 2, 3}));
}

TEST(Positions, StopAt4096) {
  const Size3 size{128, 64, 64};

  EXPECT_EQ(sample_positions(stripes(size), size, 1, 1, "case").voxels.size(), 4096U);
}

TEST(Positions, DependOnTheKeyAlone) {
  const Size3 size{60, 50, 40};
  const std::vector<std::uint8_t> map = stripes(size);

  EXPECT_EQ(sample_positions(map, size, 1, 1, "a").voxels,
            sample_positions(map, size, 1, 1, "a").voxels);
  EXPECT_NE(sample_positions(map, size, 1, 1, "a").voxels,
            sample_positions(map, size, 1, 1, "b").voxels);
}

}  // namespace
}  // namespace marrow
