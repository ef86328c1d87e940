#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rng.h"
#include "core/volume.h"
#include "volumes/preprocess/orientation.h"
#include "volumes/reduction/redundancy_filter.h"
#include "volumes/reduction/volume_filter.h"

namespace marrow {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t kSide = 64, kSlices = 12;
constexpr double kRange = 1000;

// Organs in every slice, other ones in each, and tissue that is striped in one direction. No air:
// the difference hash of a slice with much of it is at the mercy of noise.
Volume phantom(std::uint64_t body, double stripes_degrees = 0, double stripes = 0) {
  Volume volume = make_grid<float>(
      make_geometry({kSide, kSide, kSlices}, {3, 3, 8}, {0, 0, 0}, Eigen::Matrix3d::Identity()));
  const double angle = stripes_degrees * M_PI / 180;
  for (std::int64_t k = 0; k < kSlices; ++k) {
    Rng rng(body, "organs", {static_cast<std::uint64_t>(k)});
    std::vector<std::array<double, 4>> organs(12);
    for (std::array<double, 4>& organ : organs) {
      organ = {rng.uniform(0, 64), rng.uniform(0, 64), rng.uniform(6, 14), rng.uniform(-500, 500)};
    }
    for (std::int64_t j = 0; j < kSide; ++j) {
      for (std::int64_t i = 0; i < kSide; ++i) {
        const auto x = static_cast<double>(i), y = static_cast<double>(j);
        double value = stripes * std::sin(0.5 * (x * std::cos(angle) + y * std::sin(angle)));
        for (const auto& [at_x, at_y, radius, rise] : organs) {
          const double distance = std::hypot(x - at_x, y - at_y) / radius;
          value += rise * std::exp(-distance * distance);
        }
        volume.at(i, j, k) = static_cast<float>(value);
      }
    }
  }
  return volume;
}

Volume noisy(Volume volume) {
  Rng rng(3);
  for (float& value : volume.voxels) {
    value += static_cast<float>(0.01 * kRange * rng.normal());
  }
  return volume;
}

// As another program stores it: rows and columns run the other way, slices come first.
Volume reexported(const Volume& volume) {
  AxisMoves moves;
  moves.from = {2, 0, 1};
  moves.flipped = {false, true, true};
  return reoriented(volume, moves);
}

ReductionItem item(const std::string& key, const Volume& volume) {
  ReductionItem made;
  made.one.key = key;
  made.one.modality = Modality::kMr;
  made.fingerprint = fingerprint_case(volume, Modality::kMr, {});
  made.read = true;
  return made;
}

std::vector<VolumeDrop> drops(const std::vector<ReductionItem>& items,
                              const std::string& filter,
                              const std::string& options = "{}") {
  const Config config = Config::from_text(filter + ": " + options, "test.yaml");
  return volume_filters()
      .find(filter)
      .make(config.section(filter))
      ->drops({items, by_preference(items), {}});
}

TEST(PlantedCopies, HashesOfSlicesFindEveryReexportAndNoisyCopyAndNothingElse) {
  constexpr std::size_t kBodies = 4;
  std::vector<SliceFacts> slices;
  const auto add = [&](const Volume& volume) {
    for (const SliceFingerprint& slice : item("", volume).fingerprint.slices) {
      SliceFacts facts;
      facts.difference_hash = slice.difference_hash;
      facts.perceptual_hash = slice.perceptual_hash;
      slices.push_back(facts);
    }
  };
  for (std::uint64_t body = 0; body < kBodies; ++body) {
    add(phantom(body));
  }
  for (std::uint64_t body = 0; body < kBodies; ++body) {
    add(noisy(phantom(body)));
  }
  for (std::uint64_t body = 0; body < kBodies; ++body) {
    add(reexported(phantom(body)));
  }
  constexpr std::size_t kOriginals = kBodies * static_cast<std::size_t>(kSlices);
  ASSERT_THAT(slices, SizeIs(3 * kOriginals));
  for (const char* const name : {"dhash", "phash"}) {
    const Config config = Config::from_text("{}", "test.yaml");
    const auto filter =
        slice_filters().find(name).make(config.section(name), SelectionRule::kGreedyReference);

    const Selection selection = filter->select(slices, 6);

    EXPECT_THAT(selection.kept, SizeIs(kOriginals)) << name;
    for (std::size_t n = 0; n < slices.size(); ++n) {
      EXPECT_EQ(selection.stands_for[n], n % kOriginals) << name;
    }
  }
}

TEST(PlantedCopies, ReexportsAreExactCopiesAndNoisyOnesAreFoundByTheHashOfTheVolume) {
  const std::vector<ReductionItem> items = {item("a", phantom(0)),
                                            item("a, noisy", noisy(phantom(0))),
                                            item("a, re-exported", reexported(phantom(0))),
                                            item("b", phantom(1))};

  const std::vector<VolumeDrop> exact = drops(items, "exact");
  ASSERT_THAT(exact, SizeIs(1));
  EXPECT_EQ(exact[0].item, 2U);
  EXPECT_EQ(exact[0].kept, 0U);

  const std::vector<VolumeDrop> alike = drops(items, "volume_hash");
  ASSERT_THAT(alike, SizeIs(2));
  for (const VolumeDrop& drop : alike) {
    EXPECT_EQ(drop.kept, 0U);
    EXPECT_THAT(drop.because, AllOf(HasSubstr(" of 192 bits"), HasSubstr(" of 64 a slice")));
  }
}

TEST(PlantedCopies, DirectionsOfOneBodyAreNoCopiesUnlessSlicesAreNotLookedAt) {
  const std::vector<ReductionItem> items = {item("a", phantom(0, 0, 250)),
                                            item("b", phantom(0, 90, 250))};

  EXPECT_THAT(drops(items, "volume_hash"), IsEmpty());
  EXPECT_THAT(drops(items, "volume_hash", "{slice_bits: 64}"), SizeIs(1));
}

}  // namespace
}  // namespace marrow
