#include "volumes/reduction/hash_copies.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/volumes/reduction/volume_filter_items.h"

namespace marrow {
namespace {

using testing::read_item;

constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

std::uint64_t flipped(std::uint64_t word, std::size_t flips, std::mt19937_64& random) {
  for (; flips > 0; --flips) {
    word ^= std::uint64_t{1} << random() % 64;
  }
  return word;
}

// Scans of few bodies, most of whose bits are the same: many pairs are near the threshold, some of
// them of equal hashes. Copies of copies, labels, held-out ones, modalities, few slices.
std::vector<ReductionItem> archive(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<ReductionItem> items;
  for (std::size_t n = 0; n < count; ++n) {
    ReductionItem item = read_item("s" + std::to_string(n));
    if (n > 0 && random() % 3 > 0) {
      const ReductionItem& original = items[random() % n];
      item.fingerprint = original.fingerprint;
      const std::size_t most = random() % 3 == 0 ? 0 : 6;
      for (std::uint64_t& word : item.fingerprint.hash) {
        word = flipped(word, random() % (most + 1), random);
      }
      for (SliceFingerprint& slice : item.fingerprint.slices) {
        slice.perceptual_hash = flipped(slice.perceptual_hash, random() % 4, random);
      }
      if (random() % 20 == 0) {
        item.fingerprint.slices.pop_back();
      }
    } else {
      item.fingerprint.slices.resize(random() % 4 == 0 ? 3 : 9 + random() % 6);
      for (std::uint64_t& word : item.fingerprint.hash) {
        word = random() % 4 == 0 ? 0 : random() & random() & random();
      }
      for (SliceFingerprint& slice : item.fingerprint.slices) {
        slice.perceptual_hash = random();
      }
    }
    item.fingerprint.voxels = static_cast<std::int64_t>(1000 + random() % 3);
    item.held_out = random() % 20 == 0;
    item.labels = random() % 5 == 0 ? std::string(1, static_cast<char>('a' + random() % 3)) : "";
    item.one.modality = random() % 4 == 0   ? Modality::kMr
                        : random() % 8 == 0 ? Modality::kUnknown
                                            : Modality::kCt;
    items.push_back(std::move(item));
  }
  return items;
}

bool alike(const CaseFingerprint& a, const CaseFingerprint& b, const HashCopiesOptions& options) {
  int bits = 0;
  for (std::size_t n = 0; n < 3; ++n) {
    bits += std::popcount(a.hash[n] ^ b.hash[n]);
  }
  const bool few = a.size() < 8 || b.size() < 8;
  return bits <= options.threshold && slice_distance(a, b) <= options.slice_bits &&
         !(few && a.size() != b.size());
}

// By key of what goes, the key of what stands for it.
using Outcome = std::map<std::string, std::string>;

// As docs/methods/reduction.md has it, in plain words.
Outcome in_plain_words(const std::vector<ReductionItem>& items, const HashCopiesOptions& options) {
  Outcome outcome;
  std::vector<std::size_t> kept;
  for (const std::size_t n : by_preference(items)) {
    const auto first = std::find_if(kept.begin(), kept.end(), [&](std::size_t earlier) {
      return may_stand_for(items[earlier], items[n]) &&
             alike(items[earlier].fingerprint, items[n].fingerprint, options);
    });
    if (first == kept.end()) {
      kept.push_back(n);
    } else {
      outcome[items[n].one.key] = items[*first].one.key;
    }
  }
  return outcome;
}

Outcome outcome_of(const std::vector<ReductionItem>& items, const HashCopiesOptions& options) {
  const std::vector<std::size_t> order = by_preference(items);
  Outcome outcome;
  for (const VolumeDrop& drop :
       hash_copies(items, order, options).drops([](std::size_t, std::size_t) {
         return VolumeDrop{};
       })) {
    outcome[items[drop.item].one.key] = items[drop.kept.value()].one.key;
  }
  return outcome;
}

TEST(HashCopies, OfTheIndexAreThoseOfComparingOneByOne) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const std::vector<ReductionItem> items = archive(800, seed);
    for (const auto& [threshold, slice_bits] :
         {std::pair(0, 64.0), {6, 1.5}, {12, 2.0}, {12, 64.0}, {30, 3.0}}) {
      HashCopiesOptions options{threshold, slice_bits, kNever, 1};
      const Outcome expected = in_plain_words(items, options);
      ASSERT_GT(expected.size(), 50U);
      EXPECT_EQ(outcome_of(items, options), expected);
      for (const std::size_t block : {90, 300, 5000}) {
        options.index_above = 0;
        options.least_block = block;
        EXPECT_EQ(outcome_of(items, options), expected)
            << "seed " << seed << ", threshold " << threshold << ", block " << block;
      }
    }
  }
}

// Enough for the index as it is used.
TEST(HashCopies, OfThousandsAreTheSameByTheIndex) {
  const std::vector<ReductionItem> items = archive(6000, 5);

  const Outcome by_index = outcome_of(items, {});

  EXPECT_GT(by_index.size(), 500U);
  EXPECT_EQ(by_index, outcome_of(items, {.index_above = kNever}));
}

TEST(HashCopies, DoNotDependOnTheOrderOfItems) {
  std::vector<ReductionItem> items = archive(3000, 6);
  const HashCopiesOptions options{.index_above = 0, .least_block = 500};
  const Outcome expected = outcome_of(items, options);
  std::mt19937_64 random(7);
  for (int turn = 0; turn < 3; ++turn) {
    std::shuffle(items.begin(), items.end(), random);

    EXPECT_EQ(outcome_of(items, options), expected);
  }
}

TEST(HashCopies, OfNothingAreNone) {
  EXPECT_TRUE(outcome_of({}, {}).empty());
  EXPECT_TRUE(outcome_of({}, {.index_above = 0}).empty());
  EXPECT_TRUE(outcome_of({read_item("one")}, {.index_above = 0}).empty());
}

TEST(PreferredCopies, AKeptOneStandsAndTheFirstOfThemThatMay) {
  std::vector<ReductionItem> items(4, read_item("x"));
  items[0].one.modality = Modality::kMr;
  const std::vector<std::size_t> order = {0, 1, 2, 3};
  PreferredCopies copies(items, order);

  copies.offer(0, 3);
  copies.offer(1, 2);
  copies.offer(2, 3);
  EXPECT_TRUE(copies.kept(3)) << "neither an MR nor a copy stands for it";
  copies.offer(1, 3);

  const std::vector<VolumeDrop> drops =
      copies.drops([](std::size_t, std::size_t) { return VolumeDrop{}; });
  ASSERT_EQ(drops.size(), 2U);
  EXPECT_EQ(drops[1].item, 3U);
  EXPECT_EQ(drops[1].kept, 1U);
}

TEST(PreferredCopies, NothingStandsForWhatComesBeforeItOrForItself) {
  const std::vector<ReductionItem> items(2, read_item("x"));
  const std::vector<std::size_t> order = {0, 1};
  PreferredCopies copies(items, order);

  copies.offer(1, 0);
  copies.offer(1, 1);

  EXPECT_TRUE(copies.kept(0));
  EXPECT_TRUE(copies.kept(1));
}

}  // namespace
}  // namespace marrow
