#include "volumes/preprocess/prepare.h"

#include <csignal>
#include <cstdlib>
#include <limits>

#include <gtest/gtest.h>

#include "core/interrupt.h"
#include "core/progress.h"
#include "tests/support/volumes.h"
#include "volumes/store/volume_store.h"

namespace marrow {
namespace {

using testing::error_of;
using testing::folder_content;
using testing::layered_labels;
using testing::MemorySource;
using testing::oblique_grid;
using testing::textured;

class PrepareTest : public ::testing::Test {
 protected:
  PrepareTest() {
    set_default_progress_style(ProgressStyle::kNone);
    for (int number = 0; number < 6; ++number) {
      const std::string key = "case-" + std::to_string(number);
      const Geometry grid = oblique_grid({18 + number, 14, 9});
      source_.volumes[key] = textured(grid, static_cast<std::uint64_t>(number));
      source_.maps[key] = layered_labels(grid);
      Case one;
      one.key = key;
      one.patient = "patient-" + std::to_string(number / 2);
      one.images = {{key, {key + ".nii.gz"}}};
      if (number % 2 == 0) {
        one.labels = ImageRef{key, {key + "-labels.nii.gz"}};
      }
      one.split = "train";
      cases_.push_back(one);
    }
    recipe_.spacing_mm = {1, 1, 2};
  }

  [[nodiscard]] std::filesystem::path folder(const std::string& name = "store") const {
    return temporary_.path() / name;
  }

  TemporaryFolder temporary_;
  MemorySource source_;
  std::vector<Case> cases_;
  RecipeOptions recipe_;
};

TEST_F(PrepareTest, PutsEveryCaseIntoTheStore) {
  const PrepareResult result = prepare(cases_, source_, recipe_, folder(), 1);

  EXPECT_EQ(result.volumes, 6);
  EXPECT_TRUE(result.issues.empty());
  // 18 to 23 x 14 x 9 voxels: six float images, three label maps of two bytes (18, 20 and 22 wide).
  EXPECT_EQ(result.bytes_in, 123U * 14 * 9 * 4 + 60U * 14 * 9 * 2);
  EXPECT_GT(result.bytes_store, 0U);
  const VolumeStore store(folder());
  ASSERT_EQ(store.size(), 6);
  EXPECT_TRUE(store.verify().empty());
  const StoredCase& third = store.info(store.find("case-2"));
  EXPECT_EQ(third.patient, "patient-1");
  EXPECT_TRUE(third.has_labels);
  EXPECT_TRUE(third.geometry.spacing.isApprox(Eigen::Vector3d(1, 1, 2)));
  EXPECT_EQ(third.source.size, (Size3{20, 14, 9}));
}

TEST_F(PrepareTest, MakesTheSameStoreWithAnyNumberOfThreads) {
  static_cast<void>(prepare(cases_, source_, recipe_, folder("one"), 1));
  static_cast<void>(prepare(cases_, source_, recipe_, folder("three"), 3));

  EXPECT_EQ(folder_content(folder("one")), folder_content(folder("three")));
}

TEST_F(PrepareTest, DoesNotReadAgainWhatIsThere) {
  static_cast<void>(prepare(cases_, source_, recipe_, folder(), 1));
  const int reads = source_.reads;

  const PrepareResult result = prepare(cases_, source_, recipe_, folder(), 1);

  EXPECT_EQ(source_.reads, reads);
  EXPECT_EQ(result.volumes, 6);
}

TEST_F(PrepareTest, PreparesACaseAgainWhenItsSplitOrTargetsChanged) {
  static_cast<void>(prepare(cases_, source_, recipe_, folder(), 1));
  const int reads = source_.reads;
  cases_[1].split = "test";
  cases_[3].targets = {1};

  static_cast<void>(prepare(cases_, source_, recipe_, folder(), 1));

  EXPECT_EQ(source_.reads, reads + 2);
  const VolumeStore store(folder());
  EXPECT_EQ(store.info(store.find("case-1")).split, "test");
  EXPECT_EQ(store.info(store.find("case-3")).targets, std::vector<double>{1});
}

TEST_F(PrepareTest, RefusesALabelMapOnAnotherGridShowingBothAndGoesOn) {
  source_.maps["case-2"].geometry.origin[1] += 0.5;

  const PrepareResult result = prepare(cases_, source_, recipe_, folder(), 2);

  EXPECT_EQ(result.volumes, 5);
  ASSERT_EQ(result.issues.size(), 1U);
  const Issue& issue = result.issues.front();
  EXPECT_EQ(issue.code, ErrorCode::kRefused);
  EXPECT_EQ(issue.reason_code, "geometry-differs");
  EXPECT_EQ(issue.path, "case-2.nii.gz");
  EXPECT_NE(issue.reason.find("case case-2"), std::string::npos) << issue.reason;
  EXPECT_NE(issue.reason.find("(-31.5, 12.25, 140)"), std::string::npos) << issue.reason;
  EXPECT_NE(issue.reason.find("(-31.5, 12.75, 140)"), std::string::npos) << issue.reason;
}

TEST_F(PrepareTest, RefusesALabelThatTheDataSetDoesNotDeclare) {
  source_.maps["case-2"].voxels[5] = 8;
  std::vector<LabelClass> classes;
  for (const std::uint16_t label : source_.maps["case-0"].voxels) {
    classes.push_back({label, "class"});
  }

  const PrepareResult declared = prepare(cases_, source_, recipe_, folder("one"), 1, classes);
  const PrepareResult anything = prepare(cases_, source_, recipe_, folder("two"), 1);

  ASSERT_EQ(declared.issues.size(), 1U);
  EXPECT_EQ(declared.issues[0].reason_code, "undeclared-label");
  EXPECT_NE(declared.issues[0].reason.find("case case-2: its label map holds the value 8"),
            std::string::npos)
      << declared.issues[0].reason;
  EXPECT_TRUE(anything.issues.empty());
}

TEST_F(PrepareTest, RefusesARecipeThatDoesNotFitEveryChannel) {
  const auto refused = [&](const std::string& recipe, Modality first, Modality second) {
    recipe_.modality = recipe;
    cases_.resize(1);
    cases_[0].modality = first;
    cases_[0].other_modalities = {second};
    cases_[0].images.resize(2, cases_[0].images.front());
    try {
      return !prepare(cases_, source_, recipe_, folder(recipe + "store"), 1).issues.empty();
    } catch (const Error& error) {
      return error.code() == ErrorCode::kNothingFound;
    }
  };
  EXPECT_TRUE(refused("ct", Modality::kCt, Modality::kPet));
  EXPECT_TRUE(refused("ct", Modality::kPet, Modality::kCt));
  EXPECT_TRUE(refused("mr", Modality::kMr, Modality::kCt));
  EXPECT_FALSE(refused("mr", Modality::kMr, Modality::kUnknown));
}

TEST_F(PrepareTest, ListsEveryRefusedCaseInOrder) {
  source_.volumes.erase("case-0");
  std::fill_n(
      source_.volumes["case-3"].voxels.begin(), 100, std::numeric_limits<float>::quiet_NaN());
  cases_[4].modality = Modality::kCt;
  source_.volumes["case-5"].voxels[7] = std::numeric_limits<float>::infinity();

  const PrepareResult result = prepare(cases_, source_, recipe_, folder(), 3);

  ASSERT_EQ(result.issues.size(), 3U);
  EXPECT_EQ(result.issues[0].reason_code, "unreadable");
  EXPECT_NE(result.issues[0].reason.find("cut short"), std::string::npos);
  EXPECT_EQ(result.issues[1].reason_code, "not-finite");
  EXPECT_EQ(result.issues[2].reason_code, "modality");
  EXPECT_EQ(result.volumes, 3) << "one infinite voxel is replaced";
}

TEST_F(PrepareTest, EndsWithNothingFoundWhenNoCaseCouldBePrepared) {
  source_.volumes.clear();

  const std::string message = error_of(ErrorCode::kNothingFound, [&] {
    static_cast<void>(prepare(cases_, source_, recipe_, folder(), 1));
  });

  EXPECT_NE(message.find("none of 6 cases"), std::string::npos) << message;
  EXPECT_NE(message.find("cut short"), std::string::npos) << message;
}

TEST_F(PrepareTest, RefusesTwoCasesOfOneKey) {
  cases_[1].key = cases_[0].key;

  EXPECT_NE(error_of(ErrorCode::kInvalidArgument,
                     [&] { static_cast<void>(prepare(cases_, source_, recipe_, folder(), 1)); })
                .find("case-0 is listed twice"),
            std::string::npos);
}

TEST_F(PrepareTest, StopsAtASignalAndGoesOnToTheSameBytes) {
  static_cast<void>(prepare(cases_, source_, recipe_, folder("undisturbed"), 1));

  // In a process of its own: the flag that a signal sets stays set.
  const auto interrupted_run = [this] {
    install_interrupt_handlers();
    source_.before_reading = [](const std::string& key) {
      if (key == "case-3") {
        static_cast<void>(std::raise(SIGTERM));
      }
    };
    try {
      static_cast<void>(prepare(cases_, source_, recipe_, folder(), 1));
    } catch (const Error& error) {
      std::_Exit(exit_code(error.code()));
    }
    std::_Exit(0);
  };
  EXPECT_EXIT(interrupted_run(), ::testing::ExitedWithCode(9), "");
  EXPECT_FALSE(std::filesystem::exists(folder() / "index.json"));
  EXPECT_TRUE(std::filesystem::exists(folder() / "case-2.mvol"));
  EXPECT_FALSE(std::filesystem::exists(folder() / "case-4.mvol"));
  const int reads = source_.reads;

  static_cast<void>(prepare(cases_, source_, recipe_, folder(), 1));

  EXPECT_EQ(source_.reads, reads + 2);
  EXPECT_EQ(folder_content(folder()), folder_content(folder("undisturbed")));
}

}  // namespace
}  // namespace marrow
