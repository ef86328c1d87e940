#include "volumes/fingerprints/hamming_scan.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/near_hashes.h"
#include "volumes/fingerprints/hamming_kernel.h"
#include "volumes/fingerprints/slice_hash.h"

namespace marrow {
namespace {

TEST(HammingKernel, OfEveryKindFindsTheSame) {
  const std::vector<std::uint64_t> hashes = testing::near_hashes(300, 1, 1);
  std::vector<std::uint32_t> folded(hashes.size());
  std::transform(hashes.begin(), hashes.end(), folded.begin(), folded_hash);
  const std::uint64_t query = hashes.front();
  std::vector<std::uint32_t> found(hashes.size());
  for (const HammingKernel& kernel : hamming_kernels()) {
    SCOPED_TRACE(kernel.name);
    EXPECT_EQ(kernel.distance(&hashes[3], &hashes[6], 3),
              hamming_distance(hashes[3], hashes[6]) + hamming_distance(hashes[4], hashes[7]) +
                  hamming_distance(hashes[5], hashes[8]));
    const std::vector<std::uint64_t> bits{0xff00ff00ff00ff00U, 0, ~std::uint64_t{0}};
    EXPECT_EQ(kernel.distance_of_bits(&hashes[3], &hashes[6], bits.data(), 3),
              hamming_distance(hashes[3] & bits[0], hashes[6] & bits[0]) +
                  hamming_distance(hashes[5], hashes[8]));
    for (const int radius : {0, 3, 6, 15, 30, 64}) {
      for (std::size_t count = 0; count <= hashes.size(); count += count < 140 ? 1 : 20) {
        std::vector<std::uint32_t> near64;
        std::vector<std::uint32_t> near32;
        for (std::uint32_t n = 0; n < count; ++n) {
          if (hamming_distance(query, hashes[n]) <= radius) {
            near64.push_back(n);
          }
          if (hamming_distance(folded_hash(query), folded[n]) <= radius) {
            near32.push_back(n);
          }
        }
        std::size_t matches = kernel.match64(hashes.data(), count, query, radius, found.data());
        ASSERT_EQ(std::vector(found.data(), found.data() + matches), near64) << count;
        matches = kernel.match32(folded.data(), count, folded_hash(query), radius, found.data());
        ASSERT_EQ(std::vector(found.data(), found.data() + matches), near32) << count;
      }
    }
  }
}

template <class Value, class Pairs>
void expect_pairs(const std::vector<Value>& values, int radius, Pairs pairs) {
  const std::vector<HammingRange> others{{10, 12}, {20, 21}, {100, 171}, {60, 61}, {290, 300}};
  std::vector<HammingPlaces> found(70 * 85);
  for (const std::uint32_t count : {0, 1, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 70}) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> expected;
    for (std::uint32_t one = 7; one < 7 + count; ++one) {
      for (const HammingRange& range : others) {
        for (std::uint32_t other = range.begin; other < range.end; ++other) {
          if (hamming_distance(values[one], values[other]) <= radius) {
            expected.emplace_back(one, other);
          }
        }
      }
    }
    const std::size_t matches = pairs(values.data(), {7, 7 + count}, others, radius, found.data());
    std::vector<std::pair<std::uint32_t, std::uint32_t>> places;
    for (std::size_t n = 0; n < matches; ++n) {
      places.emplace_back(found[n].one, found[n].other);
    }
    std::sort(expected.begin(), expected.end());
    std::sort(places.begin(), places.end());
    ASSERT_EQ(places, expected) << count << " values, radius " << radius;
  }
}

TEST(HammingKernel, OfEveryKindFindsTheSamePairs) {
  const std::vector<std::uint64_t> hashes = testing::near_hashes(300, 1, 1);
  std::vector<std::uint32_t> folded(hashes.size());
  std::transform(hashes.begin(), hashes.end(), folded.begin(), folded_hash);
  for (const HammingKernel& kernel : hamming_kernels()) {
    SCOPED_TRACE(kernel.name);
    for (const int radius : {0, 3, 6, 15, 30, 64}) {
      expect_pairs(hashes, radius, kernel.pairs64);
      expect_pairs(folded, radius, kernel.pairs32);
    }
  }
}

TEST(HammingScan, FindsWhatComparingEveryPairFinds) {
  const std::vector<std::uint64_t> hashes = testing::near_hashes(9001, 1, 2);
  for (const std::size_t many : {1, 3, 40}) {
    for (const int radius : {0, 6, 7, 8, 25, 64}) {
      const auto queries = std::span(hashes).subspan(500, many);
      std::vector<std::vector<std::pair<std::uint32_t, int>>> found(many);
      scan_hamming(hashes, queries, radius, [&](std::size_t query, auto hits) {
        EXPECT_FALSE(hits.empty());
        for (const HammingHit& hit : hits) {
          found[query].emplace_back(hit.position, hit.distance);
        }
      });
      for (std::size_t query = 0; query < many; ++query) {
        std::vector<std::pair<std::uint32_t, int>> expected;
        for (std::uint32_t n = 0; n < hashes.size(); ++n) {
          if (const int distance = hamming_distance(queries[query], hashes[n]);
              distance <= radius) {
            expected.emplace_back(n, distance);
          }
        }
        ASSERT_EQ(found[query], expected) << radius;
      }
    }
  }
}

TEST(HammingScan, RefusesARadiusThatNoPairHas) {
  const std::vector<std::uint64_t> hashes{1, 2};
  const auto ignore = [](std::size_t, std::span<const HammingHit>) {};
  EXPECT_THROW(scan_hamming(hashes, hashes, -1, ignore), Error);
  EXPECT_THROW(scan_hamming(hashes, hashes, 65, ignore), Error);
}

}  // namespace
}  // namespace marrow
