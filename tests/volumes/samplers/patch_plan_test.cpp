#include "volumes/samplers/patch_plan.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/batches_store.h"

namespace marrow {
namespace {

using testing::StoreCase;
using testing::TemporaryStore;
using testing::uneven;

std::vector<StoreCase> seven_cases() {
  std::vector<StoreCase> cases;
  for (const char* key : {"a", "b", "c", "d", "e", "f", "g"}) {
    cases.push_back({key, {6, 5, 4}, {uneven}, std::nullopt});
  }
  return cases;
}

TEST(PatchPlan, VisitsEveryCaseOnceInEveryEpoch) {
  const TemporaryStore data(seven_cases());
  const PatchPlan plan("plan", {&data.store(), {0, 1, 2, 4, 6}, {2, 2, 2}, 17});

  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    std::set<std::int64_t> seen;
    for (std::uint64_t place = 0; place < 5; ++place) {
      seen.insert(plan.case_at(epoch * 5 + place));
    }
    EXPECT_EQ(seen, (std::set<std::int64_t>{0, 1, 2, 4, 6}));
  }
}

TEST(PatchPlan, ChangesTheOrderFromEpochToEpochAndFromSeedToSeed) {
  const TemporaryStore data(seven_cases());
  const auto order = [&](std::uint64_t seed, std::uint64_t epoch) {
    const PatchPlan plan("plan", {&data.store(), data.all_cases(), {2, 2, 2}, seed});
    std::vector<std::int64_t> cases;
    for (std::uint64_t place = 0; place < 7; ++place) {
      cases.push_back(plan.case_at(epoch * 7 + place));
    }
    return cases;
  };

  std::set<std::vector<std::int64_t>> of_epochs;
  std::set<std::vector<std::int64_t>> of_seeds;
  for (std::uint64_t n = 0; n < 30; ++n) {
    of_epochs.insert(order(3, n));
    of_seeds.insert(order(n, 0));
  }

  EXPECT_GT(of_epochs.size(), 25U);
  EXPECT_GT(of_seeds.size(), 25U);
}

TEST(PatchPlan, MovesABoxInwardsSoThatItStaysInTheGrid) {
  const TemporaryStore data({{"a", {13, 11, 9}, {uneven}, std::nullopt}});
  const PatchPlan plan("plan", {&data.store(), {0}, {4, 5, 3}, 0});

  EXPECT_EQ(plan.box_around(0, {6, 5, 4}).start, (std::array<std::int64_t, 3>{4, 3, 3}));
  EXPECT_EQ(plan.box_around(0, {0, 10, 8}).start, (std::array<std::int64_t, 3>{0, 6, 6}));
}

TEST(PatchPlan, CentresABoxOnAnAxisShorterThanThePatch) {
  const TemporaryStore data({{"a", {13, 4, 9}, {uneven}, std::nullopt}});
  const PatchPlan plan("plan", {&data.store(), {0}, {4, 8, 12}, 0});
  Rng rng(1);

  EXPECT_EQ(plan.box_around(0, {6, 3, 8}).start, (std::array<std::int64_t, 3>{4, -2, -2}));
  const Box box = plan.uniform_box(0, rng);

  EXPECT_EQ(box.start[1], -2);
  EXPECT_EQ(box.start[2], -2);
  EXPECT_EQ(box.size, (Size3{4, 8, 12}));
}

TEST(PatchPlan, GivesEveryPositionASeedOfItsOwn) {
  const TemporaryStore data({{"a", {6, 5, 4}, {uneven}, std::nullopt}});
  const PatchPlan plan("plan", {&data.store(), {0}, {2, 2, 2}, 5});

  std::set<std::uint64_t> seeds;
  for (std::uint64_t position = 0; position < 500; ++position) {
    seeds.insert(plan.patch(position, 0, Box{}).seed);
  }

  EXPECT_EQ(seeds.size(), 500U);
}

TEST(PatchPlan, RefusesAnEmptyListOfCasesAndSaysSo) {
  const TemporaryStore data({{"a", {6, 5, 4}, {uneven}, std::nullopt}});

  try {
    const PatchPlan plan("body_patch", {&data.store(), {}, {2, 2, 2}, 0});
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNothingFound);
    EXPECT_NE(std::string(error.what()).find("body_patch: expected at least one case"),
              std::string::npos);
  }
}

TEST(PatchPlan, RefusesAPatchSizeOfZero) {
  const TemporaryStore data({{"a", {6, 5, 4}, {uneven}, std::nullopt}});

  try {
    const PatchPlan plan("slice", {&data.store(), {0}, {2, 0, 2}, 0});
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("found 0"), std::string::npos);
  }
}

}  // namespace
}  // namespace marrow
