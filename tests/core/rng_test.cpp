#include "core/rng.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(Rng, TheSameKeyGivesTheSameNumbersAndAnotherKeyOthers) {
  Rng a(17, "augment", {3, 9});
  Rng b(17, "augment", {3, 9});
  Rng c(17, "augment", {9, 3});
  Rng d(17, "mask", {3, 9});
  const std::uint64_t first = a();
  EXPECT_EQ(first, b());
  EXPECT_NE(first, c());
  EXPECT_NE(first, d());
}

TEST(Rng, StreamsStayAsTheyWereSoThatOldRunsResume) {
  // Written down when checkpoints were first made; a change breaks every resume.
  EXPECT_EQ(derive_seed(17, "batch", {0}), derive_seed(17, "batch", {0}));
  Rng rng(1);
  EXPECT_EQ(rng(), 12966619160104079557ULL);  // xoshiro256** seeded by splitmix64(1)
}

TEST(Rng, NormalNumbersHaveMeanZeroAndDeviationOne) {
  Rng rng(4);
  double sum = 0;
  double square = 0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const double x = rng.normal();
    sum += x;
    square += x * x;
  }
  EXPECT_NEAR(sum / kCount, 0.0, 0.015);  // five standard errors
  EXPECT_NEAR(square / kCount, 1.0, 0.025);
}

TEST(Rng, PermutesEverySizeWithoutRepeats) {
  for (const std::uint64_t n : {1ULL, 2ULL, 3ULL, 7ULL, 64ULL, 65ULL, 1000ULL}) {
    std::set<std::uint64_t> seen;
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t place = permuted(i, n, 99);
      EXPECT_LT(place, n);
      seen.insert(place);
    }
    EXPECT_EQ(seen.size(), n);
  }
}

TEST(Rng, PermutationsOfDifferentKeysDiffer) {
  int same = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    same += permuted(i, 1000, 1) == permuted(i, 1000, 2) ? 1 : 0;
  }
  EXPECT_LT(same, 20);
}

TEST(Rng, BelowCoversItsRangeEvenly) {
  Rng rng(8);
  std::vector<int> counts(5, 0);
  for (int i = 0; i < 50000; ++i) {
    ++counts[static_cast<std::size_t>(rng.below(5))];
  }
  for (const int count : counts) {
    EXPECT_NEAR(count, 10000, 500);
  }
}

}  // namespace
}  // namespace marrow
