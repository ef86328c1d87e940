#include "volumes/fingerprints/slice_hash.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "tests/support/process.h"
#include "tests/support/slice_pictures.h"
#include "volumes/reduction/slice_selection.h"

namespace marrow {
namespace {

using testing::golden_slices;
using testing::SlicePicture;

nlohmann::json golden() {
  std::ifstream file(std::string(MARROW_TEST_DATA) + "/golden/dhash.json");
  return nlohmann::json::parse(file);
}

TEST(LanczosResizeGolden, GivesPillowsPixels) {
  const auto expected = golden().at("lanczos_9x8");
  const std::vector<SlicePicture> slices = golden_slices();
  const LanczosResize resize({40, 32}, {9, 8});
  ASSERT_EQ(slices.size(), expected.size());

  for (std::size_t n = 0; n < slices.size(); ++n) {
    std::vector<std::uint8_t> small(72);
    resize.resize(slices[n].pixels, small);
    std::vector<std::uint8_t> wanted;
    for (const auto& row : expected[n]) {
      for (const int value : row) {
        wanted.push_back(static_cast<std::uint8_t>(value));
      }
    }
    EXPECT_EQ(small, wanted) << n;
  }
}

TEST(DifferenceHashGolden, HasTheBitsDistancesAndKeptSlicesOfImagehash) {
  const auto expected = golden();
  const DifferenceHash hash({40, 32});
  std::vector<std::uint64_t> hashes;
  for (const SlicePicture& slice : golden_slices()) {
    hashes.push_back(hash(slice.pixels));
  }
  for (std::size_t a = 0; a < hashes.size(); ++a) {
    for (std::size_t bit = 0; bit < 64; ++bit) {
      ASSERT_EQ(hashes[a] >> (63 - bit) & 1U, expected.at("bits_row_major")[a][bit]);
    }
    for (std::size_t b = 0; b < hashes.size(); ++b) {
      ASSERT_EQ(hamming_distance(hashes[a], hashes[b]), expected.at("hamming")[a][b]);
    }
  }
  for (const auto& [threshold, kept] : expected.at("kept_for_threshold").items()) {
    const int most = std::stoi(threshold);
    const auto alike = [&](std::size_t a, std::size_t b) {
      return hamming_distance(hashes[a], hashes[b]) <= most;
    };
    EXPECT_EQ(select_slices(hashes.size(), SelectionRule::kGreedyReference, alike).kept,
              kept.at("greedy_all_pairs").get<std::vector<std::size_t>>());
    EXPECT_EQ(select_slices(hashes.size(), SelectionRule::kConsecutive, alike).kept,
              kept.at("consecutive_vs_last_kept").get<std::vector<std::size_t>>());
  }
}

TEST(LanczosResize, LeavesADirectionAloneWhoseLengthStays) {
  const SlicePicture slice = testing::noise_picture(9, 8, 3);
  std::vector<std::uint8_t> same(72);
  LanczosResize({9, 8}, {9, 8}).resize(slice.pixels, same);
  EXPECT_EQ(same, slice.pixels);
  std::vector<std::uint8_t> flat(9 * 4);
  LanczosResize({9, 8}, {9, 4}).resize(std::vector<std::uint8_t>(72, 77), flat);
  EXPECT_EQ(flat, std::vector<std::uint8_t>(36, 77));
}

TEST(LanczosResize, RefusesSizesThatNoPictureHas) {
  EXPECT_THROW(LanczosResize({0, 5}, {9, 8}), Error);
  EXPECT_THROW(LanczosResize({5, 40'000}, {9, 8}), Error);
}

}  // namespace
}  // namespace marrow
