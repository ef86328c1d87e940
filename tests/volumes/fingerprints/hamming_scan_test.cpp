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
