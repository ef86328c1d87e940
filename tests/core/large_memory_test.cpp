#include "core/large_memory.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace marrow {

namespace {

TEST(LargeMemory, HoldsTheValueEverywhereWhateverItsSize) {
  for (const std::size_t count : {std::size_t{0}, std::size_t{3}, std::size_t{5'000'001}}) {
    const std::vector<float> values = large_vector<float>(count, 2.5F);
    EXPECT_EQ(values.size(), count);
    EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](float v) { return v == 2.5F; }));
  }
}

}  // namespace

}  // namespace marrow
