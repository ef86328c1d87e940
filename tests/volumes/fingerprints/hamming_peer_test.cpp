#include <algorithm>
#include <cstdint>
#include <fstream>
#include <span>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/near_hashes.h"
#include "tests/support/python_peer.h"
#include "volumes/fingerprints/hamming_index.h"
#include "volumes/fingerprints/hamming_scan.h"

namespace marrow {
namespace {

class HammingPeer : public testing_support::PythonPeer {};

TEST_F(HammingPeer, FindsTheSamePairsAsFaiss) {
  constexpr std::size_t kHashes = 50000;
  constexpr std::size_t kQueries = 200;
  const std::vector<std::uint64_t> hashes = testing::near_hashes(kHashes, 1, 11);
  std::ofstream(file("hashes.raw"), std::ios::binary)
      .write(reinterpret_cast<const char*>(hashes.data()),
             static_cast<std::streamsize>(hashes.size() * sizeof(hashes[0])));

  const auto answers = run_python(R"(
import json
try:
    import faiss, numpy
except ImportError:
    print("[]")
    raise SystemExit
hashes = numpy.fromfile("hashes.raw", numpy.uint8).reshape(-1, 8)
index = faiss.IndexBinaryFlat(64)
index.add(hashes)
answers = []
for radius in (0, 6, 12):
    limits, distances, positions = index.range_search(hashes[:200], radius + 1)
    answers.append(sorted([q, int(p), int(d)] for q in range(200)
                          for p, d in zip(positions[limits[q]:limits[q + 1]], distances[limits[q]:limits[q + 1]])))
print(json.dumps(answers))
)");
  if (answers.empty()) {
    GTEST_SKIP() << "FAISS is absent from the environment of peers; make it anew with: ./run peers";
  }

  ASSERT_EQ(answers.size(), 3U);
  const auto queries = std::span(hashes).first(kQueries);
  for (std::size_t n = 0; n < 3; ++n) {
    using Triple = std::tuple<std::uint32_t, std::uint32_t, int>;
    const auto expected = answers[n].get<std::vector<Triple>>();
    std::vector<Triple> scanned;
    scan_hamming(hashes, queries, static_cast<int>(n) * 6, [&](std::size_t query, auto hits) {
      for (const HammingHit& hit : hits) {
        scanned.emplace_back(static_cast<std::uint32_t>(query), hit.position, hit.distance);
      }
    });
    std::sort(scanned.begin(), scanned.end());
    EXPECT_EQ(scanned, expected);
    std::vector<Triple> indexed;
    const HammingIndex index({hashes, 1}, static_cast<int>(n) * 6);
    index.for_each_pair({queries, 1},
                        static_cast<int>(n) * 6,
                        [&](std::uint32_t query, std::uint32_t position, int distance) {
                          indexed.emplace_back(query, position, distance);
                        });
    std::sort(indexed.begin(), indexed.end());
    EXPECT_EQ(indexed, expected);
  }
}

}  // namespace
}  // namespace marrow
