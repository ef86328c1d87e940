#include "volumes/fingerprints/hamming_index.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/near_hashes.h"
#include "volumes/fingerprints/hamming_kernel.h"

namespace marrow {
namespace {

using Pair = std::tuple<std::uint32_t, std::uint32_t, int>;  // query, position, distance

std::vector<Pair> every_pair(HashList hashes, HashList queries, int radius) {
  std::vector<Pair> pairs;
  for (std::uint32_t query = 0; query < queries.size(); ++query) {
    for (std::uint32_t n = 0; n < hashes.size(); ++n) {
      const int distance = hamming_kernel().distance(queries[query], hashes[n], hashes.width());
      if (distance <= radius) {
        pairs.emplace_back(query, n, distance);
      }
    }
  }
  return pairs;
}

TEST(HammingIndex, FindsEachNearHashOnce) {
  for (const std::size_t width : {1, 2, 3}) {
    const std::vector<std::uint64_t> words = testing::near_hashes(6000, width, width);
    const HashList hashes(words, width);
    const HashList queries(std::span<const std::uint64_t>(words).first(100 * width), width);
    for (const int radius : {0, 1, 2, 4, 6, 9, 10, 11, 16, 20, 40}) {
      const HammingIndex index(hashes, radius);
      for (const int asked : {radius, radius / 2}) {
        std::vector<Pair> one_by_one;
        for (std::uint32_t query = 0; query < queries.size(); ++query) {
          index.for_each_within({queries[query], width}, asked, [&](auto position, int distance) {
            one_by_one.emplace_back(query, position, distance);
          });
        }
        std::vector<Pair> together;
        index.for_each_pair(queries, asked, [&](auto query, auto position, int distance) {
          together.emplace_back(query, position, distance);
        });
        std::sort(one_by_one.begin(), one_by_one.end());
        std::sort(together.begin(), together.end());
        const std::vector<Pair> expected = every_pair(hashes, queries, asked);
        ASSERT_EQ(one_by_one, expected) << width << " words, radius " << asked;
        ASSERT_EQ(together, expected) << width << " words, radius " << asked;
      }
    }
  }
}

TEST(HammingIndex, VisitsInTheSameOrderEveryTime) {
  const std::vector<std::uint64_t> words = testing::near_hashes(3000, 1, 5);
  const auto visited = [&] {
    std::vector<std::uint32_t> positions;
    const HammingIndex index({words, 1}, 6);
    index.for_each_within(
        {words.data(), 1}, 6, [&](auto position, int) { positions.push_back(position); });
    return positions;
  };
  EXPECT_EQ(visited(), visited());
}

// Whatever is planned, two hashes within the radius must meet in a chunk.
void expect_no_pair_missed(std::size_t count, std::size_t width, int radius, HammingUse use) {
  const auto chunks = plan_hamming_chunks(count, width, radius, use);
  const std::vector<std::uint64_t> words = testing::near_hashes(200, width, 7);
  for (std::size_t trial = 0; trial < 200; ++trial) {
    std::vector<std::uint64_t> flips(width);
    for (int n = 0; n < radius; ++n) {
      const std::uint64_t bit =
          words[(trial + static_cast<std::size_t>(n) * 3) % 200] * 2654435761U;
      flips[(bit >> 20U) % width] ^= std::uint64_t{1} << (bit >> 40U) % 64;
    }
    bool met = false;
    for (const HammingChunk& chunk : chunks) {
      const std::vector<std::uint64_t> none(width);
      const std::uint32_t key = chunk.key(flips.data(), width);
      const bool near = std::binary_search(chunk.masks.begin(), chunk.masks.end(), key);
      EXPECT_EQ(hamming_kernel().distance_of_bits(
                    flips.data(), none.data(), chunk.taken.data(), width) <= chunk.radius,
                near);
      met = met || near;
    }
    EXPECT_TRUE(met) << count << " hashes of " << width << " words, radius " << radius;
  }
}

TEST(HammingChunks, MissNoPairWithinTheRadius) {
  for (const std::size_t count : {1000, 1000000, 100000000}) {
    for (const std::size_t width : {1, 3}) {
      for (int radius = 0; radius <= 20; ++radius) {
        expect_no_pair_missed(count, width, radius, HammingUse::kSearch);
        expect_no_pair_missed(count, width, radius, HammingUse::kJoin);
      }
    }
  }
}

TEST(HammingIndex, FindsNothingBeforeWhatWasDropped) {
  const std::vector<std::uint64_t> words = testing::near_hashes(3000, 1, 6);
  const HashList hashes(words, 1);
  std::vector<Pair> expected = every_pair(hashes, hashes, 6);
  std::erase_if(expected, [](const Pair& pair) { return std::get<1>(pair) < 1000; });
  HammingIndex index(hashes, 6);
  index.drop_before(500);
  index.drop_before(1000);
  std::vector<Pair> found;
  index.for_each_pair(hashes, 6, [&](auto query, auto position, int distance) {
    found.emplace_back(query, position, distance);
  });
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, expected);
}

TEST(HammingIndex, OfNoHashesFindsNothing) {
  const HammingIndex index({{}, 1}, 6);
  const std::vector<std::uint64_t> query{0};
  index.for_each_within(query, 6, [](auto, int) { ADD_FAILURE(); });
}

TEST(HammingIndex, RefusesWhatItWasNotMadeFor) {
  const std::vector<std::uint64_t> words{1, 2, 3};
  const auto ignore = [](std::uint32_t, int) {};
  EXPECT_THROW(HammingIndex({words, 1}, -1), Error);
  EXPECT_THROW(HashList(words, 2), Error);
  const HammingIndex index({words, 1}, 4);
  EXPECT_THROW(index.for_each_within({words.data(), 1}, 5, ignore), Error);
  EXPECT_THROW(index.for_each_within(words, 4, ignore), Error);
}

}  // namespace
}  // namespace marrow
