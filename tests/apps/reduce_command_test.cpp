// reduce on a small phantom of which one series lies there again as NIfTI.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/volume.h"
#include "io/nifti/nifti.h"
#include "tests/support/process.h"
#include "tests/support/tiny_pretraining.h"

namespace marrow {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class ReduceEndToEnd : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    run({"phantom",
         "demo",
         "--kind",
         "mr",
         "--patients",
         "4",
         "--labelled",
         "4",
         "--size",
         "24x20x16"});
    run({"scan", "demo/archive"});
    run({"convert", "demo/archive", "-o", "exported", "--work", "converting"});
    run({"scan", "demo/archive", "exported"});
  }

  static void TearDownTestSuite() { folder_.reset(); }

  static test::ProcessResult run(std::vector<std::string> words) {
    return test::run_marrow(std::move(words), {folder_->path(), "", -1});
  }

  static nlohmann::json answer(std::vector<std::string> words) {
    words.emplace_back("--json");
    return nlohmann::json::parse(run(std::move(words)).out);
  }

  static nlohmann::json listed(const std::string& where) {
    return answer({"list", "--where", where}).at("series");
  }

  static inline std::unique_ptr<TemporaryFolder> folder_;
};

TEST_F(ReduceEndToEnd, LeavesOutExportsOfTheSameScansAndNearCopiesOfSlices) {
  const nlohmann::json reduced = answer({"reduce"});

  for (const char* const key :
       {"slices", "kept", "dropped", "series_kept", "series_dropped", "by_filter", "seconds"}) {
    ASSERT_TRUE(reduced.contains(key)) << key;
  }
  const nlohmann::json dropped = listed("not kept and verdict<>'refuse'");
  ASSERT_EQ(dropped.size(), reduced.at("series_dropped"));
  ASSERT_GE(dropped.size(), 4U);
  for (const nlohmann::json& series : dropped) {
    EXPECT_THAT(series.at("dropped_because").get<std::string>(), HasSubstr("every voxel is equal"));
  }
  EXPECT_EQ(reduced.at("curve").size(), 8U);
  EXPECT_EQ(reduced.at("kept").get<int>() + reduced.at("dropped").get<int>(),
            reduced.at("slices").get<int>());
  const std::string page = test::file_text(folder_->path() / "work/reduce.html");
  EXPECT_THAT(page, HasSubstr("marrow reduce --undo"));
  EXPECT_EQ(page.find("http://"), std::string::npos);
}

TEST_F(ReduceEndToEnd, LaterStagesReadTheDecisionAndUndoTakesItBack) {
  const nlohmann::json reduced = answer({"reduce", "dhash.threshold=10"});
  const nlohmann::json prepared = answer({"prepare", "--config", "prepare/mr.yaml"});
  EXPECT_EQ(prepared.at("volumes"), reduced.at("series_kept"));
  const std::vector<std::string> pretrain = test::with_tiny_pretraining(
      {"pretrain", "--config", "pretrain/spark2d.yaml", "--out", "runs/reduced", "train.steps=2"});
  const test::ProcessResult with = run(pretrain);
  ASSERT_EQ(with.exit_code, 0) << with.err;
  const nlohmann::json facts =
      nlohmann::json::parse(test::file_text(folder_->path() / "runs/reduced/manifest.json"));
  EXPECT_THAT(facts.dump(), HasSubstr("reduction_slices_kept"));

  const test::ProcessResult ignoring = run(test::with_tiny_pretraining({"pretrain",
                                                                        "--config",
                                                                        "pretrain/spark2d.yaml",
                                                                        "--out",
                                                                        "runs/all",
                                                                        "--ignore-reduction",
                                                                        "train.steps=1"}));
  EXPECT_EQ(ignoring.exit_code, 0) << ignoring.err;
  EXPECT_THAT(ignoring.err, HasSubstr("are not in the store"));

  const nlohmann::json undone = answer({"reduce", "--undo"});

  EXPECT_EQ(undone.at("undone"), true);
  EXPECT_EQ(undone.at("series"), reduced.at("series_dropped"));
  EXPECT_TRUE(listed("not kept and verdict<>'refuse'").empty());
  EXPECT_TRUE(answer({"list", "--of", "dropped_slices"}).at("dropped_slices").empty());
  // What was learnt from other data does not go on quietly.
  const test::ProcessResult resumed = run([&] {
    std::vector<std::string> longer = pretrain;
    longer.emplace_back("train.steps=3");
    return longer;
  }());
  EXPECT_EQ(resumed.exit_code, 7) << resumed.err;
}

TEST_F(ReduceEndToEnd, ADecisionAboutADataSetIsItsOwn) {
  const nlohmann::json reduced = answer({"reduce", "--data", "demo/labelled"});
  const nlohmann::json undone = answer({"reduce", "--data", "demo/labelled", "--undo"});

  EXPECT_EQ(reduced.at("series_dropped"), 0);  // each has a label map of its own
  EXPECT_EQ(undone.at("undone"), true);
  EXPECT_EQ(undone.at("slices"), reduced.at("by_filter").at("dhash").at("slices"));
}

// A work folder of its own, since the archive gets a scout.
TEST_F(ReduceEndToEnd, CurationThinsWhatIsFrequentAndLeavesOutScouts) {
  std::filesystem::create_directories(folder_->path() / "more");
  Volume scout = make_grid<float>(
      make_geometry({24, 20, 2}, {1, 1, 5}, {0, 0, 0}, Eigen::Matrix3d::Identity()));
  for (std::size_t n = 0; n < scout.voxels.size(); ++n) {
    scout.voxels[n] = static_cast<float>(n % 97);
  }
  write_nifti(folder_->path() / "more/thin.nii.gz", scout);
  write_atomically(folder_->path() / "terms.txt", std::string_view("abdomen\nnodule\n"));
  const std::string work = "curated";
  run({"scan", "demo/archive", "more", "--reports", "demo/reports.csv", "--work", work});
  std::vector<std::string> curate{"reduce",
                                  "--config",
                                  "reduce/curate.yaml",
                                  "--work",
                                  work,
                                  "balance.limit=1",
                                  "balance.terms=terms.txt"};
  // Every series of the phantom has a report.
  EXPECT_THAT(run(curate).err, HasSubstr("balance.thin_reported=true lets reports protect none"));
  curate.emplace_back("balance.thin_reported=true");

  const nlohmann::json reduced = answer(curate);
  const nlohmann::json dropped = answer({"list", "--of", "dropped", "--work", work}).at("dropped");

  EXPECT_EQ(reduced.at("by_filter").at("scout").at("series"), 1);
  EXPECT_GE(reduced.at("by_filter").at("balance").at("series"), 1);
  ASSERT_EQ(dropped.size(), reduced.at("series_dropped"));
  for (const nlohmann::json& one : dropped) {
    const std::string because = one.at("because");
    EXPECT_TRUE(one.at("filter") == "scout" ? because.find("2 voxels along k") == 0
                                            : because.find("thinned: ") == 0)
        << one;
  }
  std::vector<std::string> names;
  for (const nlohmann::json& one : reduced.at("concepts")) {
    names.push_back(one.at("name"));
    EXPECT_GE(one.at("before").get<int>(), one.at("after").get<int>());
  }
  EXPECT_THAT(names, IsSupersetOf({"modality=mr", "body_part=abdomen", "term=abdomen"}));
  const std::string page = test::file_text(folder_->path() / work / "reduce.html");
  EXPECT_THAT(page, HasSubstr("2 voxels along k, a volume has 4 or more"));
  EXPECT_THAT(page, HasSubstr("body_part=abdomen"));
  EXPECT_EQ(answer(curate).at("series_dropped"), reduced.at("series_dropped"));
  EXPECT_EQ(answer({"prepare", "--config", "prepare/mr.yaml", "--work", work}).at("volumes"),
            reduced.at("series_kept"));
  EXPECT_EQ(answer({"reduce", "--undo", "--work", work}).at("series"),
            reduced.at("series_dropped"));
}

TEST_F(ReduceEndToEnd, ACoresetIsChosenByWhatAnEncoderSees) {
  const std::string work = "chosen";
  run({"scan", "demo/archive", "--work", work});
  run({"prepare", "--config", "prepare/mr.yaml", "--work", work});
  run(test::with_tiny_pretraining({"pretrain",
                                   "--work",
                                   work,
                                   "--config",
                                   "pretrain/spark2d.yaml",
                                   "--out",
                                   "runs/chosen",
                                   "train.steps=2"}));
  run({"embed", "runs/chosen", "--work", work, "--out", "all.safetensors"});
  run({"embed",
       "runs/chosen",
       "--work",
       work,
       "--out",
       "aim.safetensors",
       "--data",
       "demo/labelled"});
  std::vector<std::string> coreset{"reduce",
                                   "--work",
                                   work,
                                   "reduce.volume_filters=[coreset]",
                                   "reduce.slice_filters=[]",
                                   "reduce.curve=[]",
                                   "coreset.budget=3",
                                   "reduce.vectors=all.safetensors"};
  const test::ProcessResult aimless = run(coreset);
  coreset.emplace_back("reduce.target=aim.safetensors");

  const nlohmann::json reduced = answer(coreset);

  EXPECT_EQ(aimless.exit_code, 2);
  EXPECT_THAT(aimless.err, HasSubstr("reduce.target=FILE"));
  EXPECT_EQ(reduced.at("series_kept"), 3);
  EXPECT_EQ(reduced.at("by_filter").at("coreset").at("series"), reduced.at("series_dropped"));
}

TEST_F(ReduceEndToEnd, MistakesEndWithASentence) {
  const test::ProcessResult threshold = run({"reduce", "dhash.threshold=65"});
  const test::ProcessResult filter = run({"reduce", "reduce.slice_filters=[dash]"});
  const test::ProcessResult balance =
      run({"reduce", "reduce.volume_filters=[balance]", "balance.limit=1", "balance.share=0.5"});
  const test::ProcessResult coreset = run({"reduce", "reduce.volume_filters=[coreset]"});
  const test::ProcessResult unused = run({"reduce", "nmi.threshold=7"});
  const test::ProcessResult alone = run({"reduce", "--probe", "demo/labelled"});
  // The preset's curve is of hashes.
  const test::ProcessResult other =
      run({"reduce", "reduce.slice_filters=[entropy]", "--data", "demo/labelled"});
  const test::ProcessResult nothing = run({"reduce", "--where", "slices>9999"});
  const test::ProcessResult nowhere = run({"reduce", "--work", "nowhere"});

  EXPECT_EQ(threshold.exit_code, 2);
  EXPECT_THAT(threshold.err, HasSubstr("0 to 64"));
  EXPECT_EQ(filter.exit_code, 2);
  EXPECT_THAT(filter.err, HasSubstr("dhash"));
  EXPECT_EQ(balance.exit_code, 2);
  EXPECT_THAT(balance.err, HasSubstr("one of limit, share and wanted"));
  EXPECT_EQ(coreset.exit_code, 2);
  EXPECT_THAT(coreset.err, HasSubstr("marrow embed"));
  EXPECT_EQ(unused.exit_code, 2);
  EXPECT_THAT(unused.err, HasSubstr("0 to 1"));
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_THAT(alone.err, HasSubstr("--ab"));
  EXPECT_EQ(other.exit_code, 0) << other.err;
  EXPECT_THAT(other.out, HasSubstr("marrow reduce --undo --data demo/labelled"));
  EXPECT_EQ(nothing.exit_code, 3);
  EXPECT_EQ(nowhere.exit_code, 3);
  EXPECT_THAT(nowhere.err, HasSubstr("marrow scan"));
}

}  // namespace
}  // namespace marrow
