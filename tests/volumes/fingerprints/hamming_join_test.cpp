#include "volumes/fingerprints/hamming_join.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/near_hashes.h"
#include "volumes/fingerprints/hamming_kernel.h"

namespace marrow {
namespace {

using Pair = std::pair<std::uint32_t, std::uint32_t>;  // earlier, later

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

std::vector<Pair> pairs_of(HashList hashes, int radius) {
  std::vector<Pair> pairs;
  EXPECT_TRUE(join_hamming(hashes, radius, kAll, [&](std::uint32_t earlier, std::uint32_t later) {
    pairs.emplace_back(earlier, later);
  }));
  return pairs;
}

TEST(HammingJoin, FindsEachNearPairOnce) {
  for (const std::size_t width : {1, 2, 3}) {
    for (const std::size_t count : {0, 1, 2, 100, 3000}) {
      const std::vector<std::uint64_t> words = testing::near_hashes(count, width, width);
      const HashList hashes(words, width);
      for (const int radius : {0, 1, 2, 4, 6, 9, 10, 11, 16, 20, 40}) {
        std::vector<Pair> expected;
        for (std::uint32_t later = 0; later < count; ++later) {
          for (std::uint32_t n = 0; n < later; ++n) {
            if (hamming_kernel().distance(hashes[n], hashes[later], width) <= radius) {
              expected.emplace_back(n, later);
            }
          }
        }
        std::vector<Pair> found = pairs_of(hashes, radius);
        std::sort(found.begin(), found.end());
        std::sort(expected.begin(), expected.end());
        ASSERT_EQ(found, expected) << count << " of " << width << " words, radius " << radius;
      }
    }
  }
}

// Lists of one key that are longer than what is compared at a time, and keys in several blocks.
TEST(HammingJoin, FindsEachPairOfManyAlike) {
  std::vector<std::uint64_t> words = testing::near_hashes(100000, 1, 9);
  const HashList some({words.data(), 5000}, 1);
  for (std::size_t n = 0; n < 5000; ++n) {
    words[n] = n % 5000 < 4000 ? n : words[n];
  }
  std::size_t expected = 0;
  for (std::size_t later = 0; later < 5000; ++later) {
    for (std::size_t n = 0; n < later; ++n) {
      expected += hamming_kernel().distance(some[n], some[later], 1) <= 6 ? 1 : 0;
    }
  }
  EXPECT_EQ(pairs_of(some, 6).size(), expected);
  // Of many more, those of the first 5,000 with each other.
  std::size_t found = 0;
  for (const auto& [earlier, later] : pairs_of({words, 1}, 6)) {
    found += later < 5000 ? 1 : 0;
  }
  EXPECT_EQ(found, expected);
}

TEST(HammingJoin, ComesInTheSameOrderEveryTime) {
  const std::vector<std::uint64_t> words = testing::near_hashes(3000, 1, 5);
  EXPECT_EQ(pairs_of({words, 1}, 6), pairs_of({words, 1}, 6));
}

TEST(HammingJoin, GivesUpAfterSoManyPairs) {
  const std::vector<std::uint64_t> same(20000, 7);
  std::size_t found = 0;
  EXPECT_FALSE(join_hamming({same, 1}, 6, 1000, [&](auto, auto) { ++found; }));
  EXPECT_EQ(found, 1000U);
  const std::vector<std::uint64_t> two(2, 7);
  EXPECT_TRUE(join_hamming({two, 1}, 0, 1, [](auto, auto) {}));
}

TEST(HammingJoin, RefusesANegativeRadius) {
  EXPECT_THROW(join_hamming({{}, 1}, -1, 1, [](auto, auto) {}), Error);
}

}  // namespace
}  // namespace marrow
