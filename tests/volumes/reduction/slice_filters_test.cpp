#include <bit>
#include <set>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/rng.h"
#include "tests/support/volumes.h"
#include "volumes/fingerprints/slice_hash.h"
#include "volumes/reduction/redundancy_filter.h"
#include "volumes/reduction/threshold_search.h"

namespace marrow {
namespace {

std::unique_ptr<SliceFilter> filter(const std::string& name, const ConfigSection& options) {
  return slice_filters().find(name).make(options, SelectionRule::kGreedyReference);
}

// Walks away from a hash bit by bit, and jumps now and then, as slices of a volume do.
std::vector<SliceFacts> walk(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<SliceFacts> slices(count);
  std::uint64_t hash = rng();
  for (SliceFacts& slice : slices) {
    hash = rng.chance(0.05) ? rng() : hash ^ (std::uint64_t{1} << rng.below(64));
    slice.difference_hash = hash;
  }
  return slices;
}

TEST(SliceFilters, DifferenceHashKeepsNoTwoWithinTheThresholdAndDropsNoneBeyond) {
  for (const std::size_t count : {0UL, 1UL, 300UL, 5000UL}) {
    const std::vector<SliceFacts> slices = walk(count, count);
    const Selection selection = filter("dhash", ConfigSection("dhash"))->select(slices, 6);

    for (const std::size_t a : selection.kept) {
      for (const std::size_t b : selection.kept) {
        if (a < b) {
          ASSERT_GT(hamming_distance(slices[a].difference_hash, slices[b].difference_hash), 6);
        }
      }
    }
    for (std::size_t n = 0; n < count; ++n) {
      const std::size_t by = selection.stands_for[n];
      ASSERT_LE(by, n);
      ASSERT_LE(hamming_distance(slices[n].difference_hash, slices[by].difference_hash), 6);
    }
  }
}

TEST(SliceFilters, EveryNKeepsOneInNAndTakesBrokenNumbers) {
  const std::vector<SliceFacts> slices(10);
  const auto every_n = filter("every_n", ConfigSection("every_n"));

  EXPECT_EQ(every_n->select(slices, 3).kept, (std::vector<std::size_t>{0, 3, 6, 9}));
  EXPECT_EQ(every_n->select(slices, 2.5).kept, (std::vector<std::size_t>{0, 3, 5, 8}));
  EXPECT_EQ(every_n->select(slices, 1).kept.size(), 10U);
}

TEST(SliceFilters, EntropyLeavesOutSlicesThatShowLittleAndNothingStandsForThem) {
  std::vector<SliceFacts> slices(3);
  slices[1].entropy_bits = 4;

  const Selection selection = filter("entropy", ConfigSection("entropy"))->select(slices, 1);

  EXPECT_EQ(selection.kept, (std::vector<std::size_t>{1}));
  EXPECT_EQ(selection.stands_for, (std::vector<std::size_t>{kNoSlice, 1, kNoSlice}));
}

TEST(SliceFilters, PicturesAreComparedByStructureAndInformation) {
  std::vector<std::uint8_t> flat(kComparedSide * kComparedSide), noise(flat.size());
  Rng rng(3);
  for (std::size_t n = 0; n < flat.size(); ++n) {
    flat[n] = static_cast<std::uint8_t>(n % kComparedSide);
    noise[n] = static_cast<std::uint8_t>(rng.below(256));
  }
  std::vector<SliceFacts> slices(3);
  slices[0].picture = slices[1].picture = {flat, kComparedSide, kComparedSide};
  slices[2].picture = {noise, kComparedSide, kComparedSide};

  for (const char* const name : {"ssim", "nmi", "mutual_information"}) {
    const auto made = filter(name, ConfigSection(name));
    EXPECT_EQ(made->select(slices, made->threshold()).kept, (std::vector<std::size_t>{0, 2}))
        << name;
    EXPECT_TRUE(made->needs().pictures);
  }
}

TEST(SliceFilters, ThresholdsOutOfRangeAreRefused) {
  EXPECT_THROW((void)filter("dhash", ConfigSection("dhash").with("threshold", "65")), Error);
  EXPECT_THROW((void)filter("ssim", ConfigSection("ssim").with("threshold", "1.5")), Error);
  EXPECT_THROW((void)filter("every_n", ConfigSection("every_n").with("n", "0")), Error);
  EXPECT_THROW((void)filter("dhsh", ConfigSection("dhsh")), Error);
}

TEST(SliceFilters, TheSearchFindsTheThresholdThatKeepsTheWantedNumber) {
  const std::vector<SliceFacts> slices = walk(400, 9);
  for (const char* const name : {"dhash", "every_n"}) {
    const auto made = filter(name, ConfigSection(name));
    const FoundThreshold found = find_threshold(made->scale(), 100, [&](double threshold) {
      return static_cast<std::int64_t>(made->select(slices, threshold).kept.size());
    });
    EXPECT_NEAR(static_cast<double>(found.kept), 100, name[0] == 'e' ? 1 : 25) << name;
    EXPECT_EQ(found.kept,
              static_cast<std::int64_t>(made->select(slices, found.threshold).kept.size()));
  }
}

}  // namespace
}  // namespace marrow
