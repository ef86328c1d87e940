#include "volumes/reduction/greedy_hamming.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/near_hashes.h"
#include "volumes/fingerprints/hamming_kernel.h"

namespace marrow {
namespace {

Selection one_by_one(HashList hashes, int radius) {
  return select_slices(
      hashes.size(), SelectionRule::kGreedyReference, [&](std::size_t a, std::size_t b) {
        return hamming_kernel().distance(hashes[a], hashes[b], hashes.width()) <= radius;
      });
}

void expect_same(HashList hashes, int radius) {
  const Selection fast = greedy_hamming(hashes, radius);
  const Selection plain = one_by_one(hashes, radius);
  ASSERT_EQ(fast.kept, plain.kept) << hashes.size() << " hashes, radius " << radius;
  ASSERT_EQ(fast.stands_for, plain.stands_for) << hashes.size() << " hashes, radius " << radius;
}

TEST(GreedyHamming, SelectsWhatComparingOneByOneSelects) {
  for (const std::size_t width : {1, 3}) {
    for (const std::size_t count : {0, 1, 2, 3, 100, 512, 513, 1500, 5000}) {
      const std::vector<std::uint64_t> words = testing::near_hashes(count, width, count + width);
      for (const int radius : {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 16, 20}) {
        expect_same({words, width}, radius);
      }
    }
  }
}

// Neighbours of neighbours: which kept one comes first decides much.
TEST(GreedyHamming, SelectsTheSameOfAWalkFromBitToBit) {
  std::mt19937_64 random(3);
  std::vector<std::uint64_t> walk{random()};
  while (walk.size() < 5000) {
    walk.push_back(walk[random() % walk.size()] ^ (std::uint64_t{1} << random() % 64));
  }
  for (const int radius : {0, 1, 3, 6, 12, 20}) {
    expect_same({walk, 1}, radius);
  }
}

// Large enough for blocks, of which each is decided by itself and then compared with the rest.
TEST(GreedyHamming, SelectsTheSameOfManyBlocks) {
  std::mt19937_64 random(4);
  std::vector<std::uint64_t> hashes;
  while (hashes.size() < 150000) {
    // Few bits that vary: the plain selection would take minutes were much kept.
    hashes.push_back((random() & random() & random()) & 0xffffffffffU);
  }
  expect_same({hashes, 1}, 6);
}

// Slices of volumes: each differs from the one before in a bit or two.
TEST(GreedyHamming, SelectsTheSameOfSlicesInTheirOrder) {
  std::mt19937_64 random(6);
  std::vector<std::uint64_t> hashes;
  while (hashes.size() < 20000) {
    const bool begins = hashes.empty() || random() % 40 == 0;
    hashes.push_back(begins ? random() : hashes.back() ^ (std::uint64_t{1} << random() % 64));
  }
  for (const int radius : {0, 2, 6, 10}) {
    expect_same({hashes, 1}, radius);
  }
}

TEST(GreedyHamming, RefusesANegativeRadius) {
  EXPECT_THROW((void)greedy_hamming({{}, 1}, -1), Error);
}

}  // namespace
}  // namespace marrow
