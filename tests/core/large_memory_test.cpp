#include "core/large_memory.h"

#include <algorithm>
#include <cstdint>

#include <gtest/gtest.h>

#include "core/volume.h"

namespace marrow {

namespace {

TEST(VoxelVector, HoldsTheValueEverywhereWhateverItsSize) {
  for (const std::size_t count : {std::size_t{0}, std::size_t{3}, std::size_t{5'000'001}}) {
    VoxelVector<float> values(count, 2.5F);
    EXPECT_EQ(values.size(), count);
    EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](float v) { return v == 2.5F; }));
    values.resize(count + 7, 1.5F);
    EXPECT_EQ(std::count(values.begin(), values.end(), 2.5F), static_cast<std::ptrdiff_t>(count));
    EXPECT_EQ(std::count(values.begin(), values.end(), 1.5F), 7);
  }
}

TEST(LargeMemory, BeginsAtALargePageAndIsTakenAgainForTheSameSize) {
  constexpr std::size_t kBytes = kLargeBlock + 12345;
  void* const first = allocate_large(kBytes);
  void* const second = allocate_large(kBytes);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % (std::size_t{2} << 20), 0U);
  EXPECT_NE(first, second);
  static_cast<char*>(first)[kBytes - 1] = 1;

  free_large(first, kBytes);
  void* const other_size = allocate_large(2 * kBytes);
  void* const again = allocate_large(kBytes);

  EXPECT_EQ(again, first);
  EXPECT_NE(other_size, first);
  free_large(again, kBytes);
  free_large(second, kBytes);
  free_large(other_size, 2 * kBytes);
}

TEST(LargeMemory, KeepsABoundedAmount) {
  constexpr std::size_t kBytes = kKeptBytes / 4;
  std::vector<void*> blocks;
  for (int n = 0; n < 8; ++n) {
    blocks.push_back(allocate_large(kBytes));  // never touched: costs addresses only
  }
  for (void* const block : blocks) {
    free_large(block, kBytes);
  }
  // The last four are there, the first four have gone back.
  for (int n = 7; n > 3; --n) {
    EXPECT_EQ(allocate_large(kBytes), blocks[static_cast<std::size_t>(n)]);
  }
  for (int n = 4; n < 8; ++n) {
    free_large(blocks[static_cast<std::size_t>(n)], kBytes);
  }
}

TEST(LargeMemory, TooMuchIsABadAllocation) {
  EXPECT_THROW(static_cast<void>(allocate_large(std::size_t{1} << 60)), std::bad_alloc);
  EXPECT_THROW(static_cast<void>(allocate_large(~std::size_t{0})), std::bad_alloc);
}

TEST(Grid, IsFilledUnlessAskedOtherwise) {
  const Geometry geometry =
      make_geometry({300, 200, 100}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity());
  { Grid<float> used = make_grid<float>(geometry, 3.0F); }

  const Grid<float> zeros = make_grid<float>(geometry);  // likely in the same memory

  EXPECT_EQ(std::count(zeros.voxels.begin(), zeros.voxels.end(), 0.0F), geometry.voxels());
  EXPECT_EQ(static_cast<std::int64_t>(make_unfilled_grid<float>(geometry).voxels.size()),
            geometry.voxels());
}

}  // namespace

}  // namespace marrow
