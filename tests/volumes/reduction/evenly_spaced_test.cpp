#include "volumes/reduction/evenly_spaced.h"

#include <cstddef>

#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(EvenlySpaced, KeepsAsManySlicesAsTheReductionAcrossVolumes) {
  Reduction reduction;
  reduction.dropped = {{"gone", "exact", "a", 0, ""}, {"b", "dhash", "a", 3, ""}};
  reduction.cases = {{"a", 2, 10, {{1, "dhash", "a", 0, 2}, {3, "dhash", "a", 2, 2}}},
                     {"b", 2, 2, {{0, "dhash", "a", 0, 2}, {1, "dhash", "a", 0, 2}}}};

  const Reduction evenly = evenly_spaced(reduction);

  ASSERT_EQ(evenly.dropped.size(), 1U);  // "b" is there again: its slices count
  EXPECT_EQ(evenly.dropped[0].key, "gone");
  std::size_t dropped = 0;
  for (const ReducedCase& one : evenly.cases) {
    dropped += one.dropped.size();
  }
  EXPECT_EQ(dropped, 4U);
  EXPECT_EQ(evenly.cases[0].dropped.size(), 4U - evenly.cases[1].dropped.size());
}

}  // namespace
}  // namespace marrow
