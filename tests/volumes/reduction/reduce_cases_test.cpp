#include "volumes/reduction/reduce_cases.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "core/rng.h"
#include "tests/support/volumes.h"
#include "volumes/preprocess/orientation.h"
#include "volumes/reduction/fingerprint_bytes.h"

namespace marrow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::MemorySource;

class MemoryCache final : public FingerprintCache {
 public:
  std::map<std::string, std::string> known;

  std::optional<std::string> find(const std::string& name) override {
    const auto found = known.find(name);
    return found == known.end() ? std::nullopt : std::optional(found->second);
  }

  void keep(const std::string& name, const std::string& bytes) override { known[name] = bytes; }
};

// Waves; slices 2n and 2n + 1 are equal, others are not alike.
Volume waves(std::uint64_t seed, std::int64_t slices = 12) {
  Volume volume = make_grid<float>(
      make_geometry({32, 28, slices}, {1, 1, 2}, {0, 0, 0}, Eigen::Matrix3d::Identity()));
  for (std::int64_t k = 0; k < slices; ++k) {
    Rng shape(seed, "pair", {static_cast<std::uint64_t>(k / 2)});
    std::array<double, 6> wave{};
    for (double& one : wave) {
      one = shape.uniform(0.15, 0.9);
    }
    for (std::int64_t j = 0; j < 28; ++j) {
      for (std::int64_t i = 0; i < 32; ++i) {
        const auto x = static_cast<double>(i), y = static_cast<double>(j);
        volume.voxels[static_cast<std::size_t>(i + 32 * (j + 28 * k))] = static_cast<float>(
            500 * std::sin(wave[0] * x + 9 * wave[1]) + 500 * std::cos(wave[2] * y + 9 * wave[3]) +
            300 * std::sin(wave[4] * x - wave[5] * y));
      }
    }
  }
  return volume;
}

class ReduceCases : public ::testing::Test {
 protected:
  ReduceCases() { set_default_progress_style(ProgressStyle::kNone); }

  ReductionItem& add(const std::string& key, Volume volume, const std::string& patient = "p") {
    source_.volumes[key] = std::move(volume);
    ReductionItem item;
    item.one.key = key;
    item.one.patient = patient;
    item.one.modality = Modality::kMr;
    item.one.images = {{key, {key}}};
    items_.push_back(std::move(item));
    return items_.back();
  }

  ReduceResult reduce(const std::string& yaml = "reduce: {slice_filters: [dhash]}",
                      std::int64_t threads = 1) {
    std::vector<ReductionItem> items = items_;
    return reduce_cases(
        items, source_, Config::from_text(yaml, "test.yaml"), cache_, folder_.path(), threads);
  }

  std::string refusal(const std::string& yaml) {
    try {
      (void)reduce(yaml);
      return "nothing";
    } catch (const Error& error) {
      return error.what();
    }
  }

  TemporaryFolder folder_;
  MemorySource source_;
  MemoryCache cache_;
  std::vector<ReductionItem> items_;
};

TEST_F(ReduceCases, OfNearCopiesInAVolumeOneIsKept) {
  add("a", waves(1));

  const ReduceResult result = reduce();

  EXPECT_EQ(result.slices, 12);
  EXPECT_EQ(result.kept_slices, 6);
  ASSERT_EQ(result.reduction.cases.size(), 1U);
  const std::vector<DroppedSlice>& dropped = result.reduction.cases[0].dropped;
  ASSERT_EQ(dropped.size(), 6U);
  EXPECT_EQ(dropped[0], (DroppedSlice{1, "dhash", "a", 0, 0}));
}

TEST_F(ReduceCases, CopiesOfAScanAreFoundWhicheverWayTheirFilesRun) {
  const Volume scan = waves(1);
  AxisMoves turned;
  turned.flipped = {true, false, true};
  add("original", scan);
  add("turned", reoriented(scan, turned));
  add("other", waves(2));

  const ReduceResult result = reduce("reduce: {slice_filters: []}");

  ASSERT_EQ(result.reduction.dropped.size(), 1U);
  EXPECT_EQ(result.reduction.dropped[0].key, "turned");
  EXPECT_EQ(result.reduction.dropped[0].kept, "original");
  EXPECT_EQ(result.kept_cases, 2);
}

TEST_F(ReduceCases, NeitherTheOrderOfFilesNorThreadsDecideAnything) {
  for (const char* const key : {"d", "a", "c", "b"}) {
    add(key, waves(key[0] == 'd' ? 1 : static_cast<std::uint64_t>(key[0] - 'a')));
  }
  const std::string yaml = "reduce: {slice_filters: [entropy, dhash], scope: archive}";
  const ReduceResult first = reduce(yaml);

  std::reverse(items_.begin(), items_.end());
  cache_.known.clear();
  const ReduceResult second = reduce(yaml, 3);

  EXPECT_EQ(first.reduction, second.reduction);
  EXPECT_EQ(first.reduction.dropped.size(), 1U);
}

TEST_F(ReduceCases, ALabelledCopyStaysAndTheOtherGoes) {
  add("a", waves(1));
  add("b", waves(1)).labels = "1";
  add("c", waves(2)).labels = "1";
  add("d", waves(2)).labels = "2";

  const ReduceResult result = reduce("reduce: {slice_filters: []}");

  ASSERT_EQ(result.reduction.dropped.size(), 1U);
  EXPECT_EQ(result.reduction.dropped[0].key, "a");
  EXPECT_EQ(result.reduction.dropped[0].kept, "b");
}

TEST_F(ReduceCases, WhatIsHeldOutStaysAndItsCopyInTrainingGoes) {
  add("a", waves(1));
  add("z", waves(1)).held_out = true;

  const ReduceResult result = reduce();

  ASSERT_EQ(result.reduction.dropped.size(), 1U);
  EXPECT_EQ(result.reduction.dropped[0].key, "a");
  EXPECT_EQ(result.reduction.dropped[0].kept, "z");
  EXPECT_EQ(result.slices, 12);  // those of a: held-out slices are not reduced
}

TEST_F(ReduceCases, ScopesSayAmongWhichSlicesOneMayStandForAnother) {
  add("a", waves(1), "p");
  add("b", waves(1), "p");
  add("c", waves(1), "q");
  const auto kept = [this](const std::string& scope) {
    return reduce("reduce: {volume_filters: [], slice_filters: [dhash], scope: " + scope + "}")
        .kept_slices;
  };

  EXPECT_EQ(kept("volume"), 18);
  EXPECT_EQ(kept("patient"), 12);
  EXPECT_EQ(kept("archive"), 6);
}

TEST_F(ReduceCases, AVolumeOfWhichEverySliceGoesIsLeftOut) {
  add("a", waves(1));
  add("b", waves(1));

  const ReduceResult result =
      reduce("reduce: {volume_filters: [], slice_filters: [dhash], scope: archive}");

  ASSERT_EQ(result.reduction.dropped.size(), 1U);
  EXPECT_EQ(result.reduction.dropped[0].key, "b");
  EXPECT_EQ(result.kept_cases, 1);
  // Its filter is told of it.
  EXPECT_EQ(result.filters.back().dropped_cases,
            static_cast<std::int64_t>(result.reduction.dropped.size()));
}

TEST_F(ReduceCases, EmptyVolumesGoAndNothingStandsForThem) {
  Volume empty = waves(1);
  std::fill(empty.voxels.begin(), empty.voxels.end(), 7.0F);
  add("a", empty);
  add("b", waves(1));

  const ReduceResult result = reduce();

  ASSERT_EQ(result.reduction.dropped.size(), 1U);
  EXPECT_EQ(result.reduction.dropped[0].filter, "blank");
  EXPECT_EQ(result.reduction.dropped[0].kept, "");
}

TEST_F(ReduceCases, WhatCannotBeReadOrHoldsNoNumbersStaysAndIsNamed) {
  Volume broken = waves(1);
  std::fill_n(broken.voxels.begin(), 2000, std::numeric_limits<float>::quiet_NaN());
  add("a", broken);
  add("b", waves(2));
  add("c", waves(3));
  source_.volumes.erase("c");

  const ReduceResult result = reduce();

  ASSERT_EQ(result.issues.size(), 2U);
  EXPECT_EQ(result.issues[0].reason_code, "not-finite");
  EXPECT_THAT(result.issues[1].reason, HasSubstr("cut short"));
  EXPECT_EQ(result.kept_cases, 3);
  EXPECT_EQ(result.slices, 12);
}

TEST_F(ReduceCases, VolumesOfOneSliceAndOfOtherSizesAreComparedInAnArchive) {
  add("a", waves(1, 1));
  add("b", waves(1, 2));
  const std::string archive =
      "reduce: {volume_filters: [], slice_filters: [dhash, ssim], scope: archive}";

  EXPECT_EQ(reduce(archive).kept_slices, 1);
  EXPECT_EQ(reduce("reduce: {volume_filters: [], slice_filters: [dhash]}").kept_slices, 2);
}

TEST_F(ReduceCases, ASecondRunReadsNothingAgain) {
  add("a", waves(1));
  (void)reduce();
  const int reads = source_.reads;

  const ReduceResult again = reduce("{reduce: {slice_filters: [dhash]}, dhash: {threshold: 0}}");

  EXPECT_EQ(source_.reads, reads);
  EXPECT_GE(again.kept_slices, 6);
}

TEST_F(ReduceCases, CurvesAndOtherMeasuresAreCountedOnTheSameSlices) {
  add("a", waves(1));
  add("b", waves(2));

  const ReduceResult result =
      reduce("reduce: {slice_filters: [dhash], curve: [0, 6, 64], compare: [every_n, ssim]}");

  ASSERT_EQ(result.curve.size(), 3U);
  EXPECT_EQ(result.curve[1].kept, result.kept_slices);
  EXPECT_EQ(result.curve[2].kept, 2);
  ASSERT_EQ(result.measures.size(), 2U);
  EXPECT_EQ(result.measures[0].kept, 12);
  EXPECT_DOUBLE_EQ(result.measures[0].agreement, 1);
}

TEST_F(ReduceCases, AShareToKeepIsFoundByBisection) {
  add("a", waves(1, 20));

  const ReduceResult result = reduce("reduce: {slice_filters: [every_n], keep_share: 0.25}");

  EXPECT_EQ(result.kept_slices, 5);
}

TEST_F(ReduceCases, MistakesInTheOptionsAreRefusedBeforeAnythingIsRead) {
  add("a", waves(1));

  EXPECT_THAT(refusal("reduce: {slice_filters: [dhsh]}"), HasSubstr("did you mean \"dhash\""));
  EXPECT_THAT(refusal("reduce: {window_hu: [5, 5]}"), HasSubstr("two rising numbers"));
  EXPECT_THAT(refusal("reduce: {curve: [65]}"), HasSubstr("thresholds of 0 to 64, found 65"));
  EXPECT_THAT(refusal("reduce: {volume_filters: [], slice_filters: []}"), HasSubstr("neither"));
  EXPECT_THAT(refusal("reduce: {slice_filters: [], curve: [1]}"), HasSubstr("reduce.curve needs"));
  EXPECT_EQ(source_.reads, 0);
}

TEST_F(ReduceCases, TheHashOfAVolumeSurvivesNoiseAndAGainAndTellsOthersApart) {
  Volume noisy = waves(1);
  Rng rng(1);
  for (float& value : noisy.voxels) {
    value = value * 1.7F + static_cast<float>(3 * rng.normal());
  }
  add("a", waves(1));
  add("b", noisy);
  add("c", waves(2));

  const ReduceResult result = reduce("reduce: {volume_filters: [volume_hash], slice_filters: []}");

  ASSERT_EQ(result.reduction.dropped.size(), 1U);
  EXPECT_EQ(result.reduction.dropped[0].key, "b");
}

TEST_F(ReduceCases, WhatABalancedArchiveHoldsIsCountedBeforeAndAfter) {
  for (std::uint64_t n = 0; n < 12; ++n) {
    add("s" + std::to_string(n), waves(n)).facts["body_part"] = n < 9 ? "CHEST" : "HAND";
  }
  add("copy", waves(3)).facts["body_part"] = "CHEST";

  const ReduceResult result = reduce(
      "{reduce: {volume_filters: [exact, balance], slice_filters: []}, "
      "balance: {facts: [body_part], wanted: 6}}");

  EXPECT_EQ(result.kept_cases, 6);
  ASSERT_EQ(result.concepts.size(), 2U);
  EXPECT_EQ(result.concepts[0].name, "body_part=chest");
  EXPECT_EQ(result.concepts[0].before, 9) << "a copy that has gone counts no more";
  EXPECT_EQ(result.concepts[0].after + result.concepts[1].after, 6);
  EXPECT_EQ(result.reduction.dropped.size(), 7U);
}

TEST(CaseFingerprint, MeasuresWhatCurationGoesBy) {
  Volume volume =
      make_grid<float>(make_geometry({6, 4, 3}, {1, 2, 3}, {0, 0, 0}, Eigen::Matrix3d::Identity()));
  std::fill(volume.voxels.begin(), volume.voxels.end(), 1000.0F);
  std::fill_n(volume.voxels.begin(), 12, -1000.0F);
  volume.voxels.back() = std::numeric_limits<float>::quiet_NaN();

  const CaseFingerprint made = fingerprint_case(volume, Modality::kMr, {});

  EXPECT_EQ(made.spacing_mm, (std::array<double, 3>{1, 2, 3}));
  EXPECT_NEAR(made.mean, (59 * 1000.0 - 12 * 1000.0) / 71, 1e-9);
  EXPECT_NEAR(made.deviation, std::sqrt(1e6 - made.mean * made.mean), 1e-6);
  EXPECT_DOUBLE_EQ(made.empty_share, 12.0 / 72);
  EXPECT_DOUBLE_EQ(made.not_finite_share, 1.0 / 72);
  EXPECT_THAT(made.flags.scout, HasSubstr("3 voxels along k"));
}

TEST(CaseFingerprint, SurvivesTheCache) {
  const std::string bytes = fingerprint_to_bytes(fingerprint_case(waves(4), Modality::kMr, {}));

  const auto read = fingerprint_from_bytes(bytes);

  ASSERT_TRUE(read);
  EXPECT_EQ(fingerprint_to_bytes(*read), bytes);
}

}  // namespace
}  // namespace marrow
