// embed, probe, reduction by features and reduce --ab on a small phantom.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "apps/embedding_file.h"
#include "core/files.h"
#include "tests/support/process.h"
#include "tests/support/tiny_pretraining.h"

namespace marrow {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class EmbeddingEndToEnd : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    must({"phantom",
          "demo",
          "--kind",
          "mr",
          "--patients",
          "6",
          "--labelled",
          "4",
          "--size",
          "24x20x16"});
    run({"scan", "demo/archive"});  // the phantom has damaged files
    must({"prepare", "--config", "prepare/mr.yaml"});
    must(test::with_tiny_pretraining(
        {"pretrain", "--config", "pretrain/spark2d.yaml", "--out", "run", "train.steps=3"}));
    // Half of the volumes of each label are for testing.
    std::ofstream list(folder_->path() / "classes.csv");
    list << "image,label,patient,split\n";
    int n = 0;
    for (const fs::path& image : volumes()) {
      list << image.string() << "," << n % 2 << ",p" << n << "," << (n % 4 < 2 ? "train" : "test")
           << "\n";
      ++n;
    }
  }

  static void TearDownTestSuite() { folder_.reset(); }

  static std::vector<fs::path> volumes() {
    run({"convert", "demo/archive", "-o", "converted", "--work", "converting"});
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_->path() / "converted")) {
      if (entry.path().extension() == ".gz") {
        found.push_back(entry.path());
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  static test::ProcessResult run(std::vector<std::string> words) {
    words.insert(words.end(), {"--progress", "none"});
    return test::run_marrow(std::move(words), {folder_->path(), "", -1});
  }

  static void must(const std::vector<std::string>& words) {
    const test::ProcessResult result = run(words);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  static nlohmann::json answer(std::vector<std::string> words) {
    words.emplace_back("--json");
    const test::ProcessResult result = run(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out, nullptr, false);
  }

  static fs::path path(const std::string& name) { return folder_->path() / name; }

  static inline std::unique_ptr<TemporaryFolder> folder_;
};

TEST_F(EmbeddingEndToEnd, EverySliceAndVolumeGetsARowAndIsKnownTheSecondTime) {
  const nlohmann::json first = answer({"embed", "run", "--out", "all.safetensors"});
  const nlohmann::json second = answer({"embed", "run", "--out", "again.safetensors"});

  const EmbeddingFile file = read_embeddings(path("all.safetensors"));
  EXPECT_EQ(file.dimensions, 8);
  EXPECT_EQ(file.count(), first.at("volumes").get<std::int64_t>());
  EXPECT_EQ(file.first_slice.back(), first.at("slices").get<std::int64_t>());
  EXPECT_EQ(first.at("known"), 0);
  EXPECT_EQ(second.at("known"), first.at("volumes"));
  EXPECT_EQ(read_embeddings(path("again.safetensors")).slices, file.slices);
}

TEST_F(EmbeddingEndToEnd, ReducingByFeaturesReadsThem) {
  must({"embed", "run", "--out", "all.safetensors"});
  const std::vector<std::string> reduce{"reduce",
                                        "--config",
                                        "reduce/embedding.yaml",
                                        "reduce.vectors=all.safetensors",
                                        "reduce.volume_filters=[exact,volume_embedding]"};
  std::vector<std::string> loose = reduce;
  loose.insert(loose.end(), {"embedding.threshold=-1", "volume_embedding.threshold=1"});
  const nlohmann::json strict = answer(reduce);
  const nlohmann::json everything = answer(loose);

  EXPECT_LE(strict.at("kept"), strict.at("slices"));
  // All slices of a volume are alike to a cosine of -1: one of each stays.
  EXPECT_EQ(everything.at("kept"), everything.at("series_kept"));
  must({"reduce", "--undo"});
}

TEST_F(EmbeddingEndToEnd, FeaturesThatDoNotBelongToTheDataAreRefused) {
  const test::ProcessResult recipe =
      run({"embed", "run", "--out", "x.safetensors", "prepare.upper_percentile=98"});
  const test::ProcessResult none =
      run({"reduce", "reduce.slice_filters=[embedding]", "reduce.curve=[]"});
  const test::ProcessResult missing =
      run({"reduce", "--config", "reduce/embedding.yaml", "reduce.vectors=nowhere.safetensors"});
  const std::string key = answer({"list", "--where", "verdict<>'refuse'"})
                              .at("series")
                              .at(0)
                              .at("key")
                              .get<std::string>();
  must({"embed", "run", "--out", "one.safetensors", "--where", "key='" + key + "'"});
  const test::ProcessResult partial =
      run({"reduce", "--config", "reduce/embedding.yaml", "reduce.vectors=one.safetensors"});
  const test::ProcessResult weights = run({"reduce",
                                           "--config",
                                           "reduce/embedding.yaml",
                                           "reduce.vectors=run/encoder/model.safetensors"});

  EXPECT_EQ(recipe.exit_code, 7);
  EXPECT_THAT(recipe.err, HasSubstr("upper_percentile"));
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("marrow embed RUN"));
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_EQ(partial.exit_code, 7);
  EXPECT_THAT(partial.err, HasSubstr("run `marrow embed` again"));
  EXPECT_NE(weights.exit_code, 0);
  EXPECT_THAT(weights.err, HasSubstr("no file of embeddings"));
}

TEST_F(EmbeddingEndToEnd, ProbesTellTrainedFromUntrainedOnTheSameLabels) {
  const std::vector<std::string> words{"probe",
                                       "run",
                                       "--data",
                                       "classes.csv",
                                       "probe.budgets=[1]",
                                       "probe.draws=2",
                                       "probe.resamples=100"};
  const nlohmann::json trained = answer(words);
  std::vector<std::string> initial = words;
  initial.emplace_back("--initial");
  const nlohmann::json untrained = answer(initial);

  for (const char* const kind : {"knn", "linear"}) {
    EXPECT_TRUE(trained.at(kind).contains("accuracy")) << kind;
    EXPECT_TRUE(trained.at(kind).contains("auroc")) << kind;
  }
  EXPECT_EQ(trained.at("per_fraction").size(), 4U);  // 1 a class and all, by two probes
  EXPECT_NE(trained.at("encoder"), untrained.at("encoder"));
  EXPECT_TRUE(fs::exists(path("run/probe.json")));
  EXPECT_TRUE(fs::exists(path("run/probe-initial.json")));
  const test::ProcessResult without = run({"probe", "run", "--data", "demo/labelled"});
  EXPECT_EQ(without.exit_code, 7) << without.err;
  EXPECT_THAT(without.err, HasSubstr("has a class"));
}

TEST_F(EmbeddingEndToEnd, ListsOfOneFolderHaveDecisionsOfTheirOwn) {
  fs::copy_file(path("classes.csv"), path("other.csv"));
  const nlohmann::json reduced = answer({"reduce", "--data", "classes.csv"});

  EXPECT_GT(reduced.at("slices"), 0);
  EXPECT_EQ(answer({"reduce", "--data", "other.csv", "--undo"}).at("undone"), false);
  EXPECT_EQ(answer({"reduce", "--data", "classes.csv", "--undo"}).at("undone"), true);
}

TEST_F(EmbeddingEndToEnd, ATrialComparesEqualStepsAndEqualEpochsAndGoesOn) {
  const std::vector<std::string> words = test::with_tiny_pretraining({"reduce",
                                                                      "--ab",
                                                                      "pretrain/spark2d.yaml",
                                                                      "--probe",
                                                                      "classes.csv",
                                                                      "ab.seeds=2",
                                                                      "probe.budgets=[1]",
                                                                      "probe.fractions=[]",
                                                                      "probe.draws=2",
                                                                      "probe.resamples=100",
                                                                      "train.steps=6"});
  const test::ProcessResult undecided = run(words);
  must({"reduce", "dhash.threshold=12"});

  const nlohmann::json first = answer(words);

  EXPECT_EQ(undecided.exit_code, 3);
  EXPECT_THAT(undecided.err, HasSubstr("nothing was decided"));
  ASSERT_EQ(first.at("arms").size(), 3U);
  const auto all = first.at("arms").at(0).at("samples").get<double>();
  const auto kept = first.at("arms").at(1).at("samples").get<double>();
  EXPECT_LT(kept, all);
  EXPECT_EQ(first.at("arms").at(2).at("samples"), first.at("arms").at(1).at("samples"));
  ASSERT_EQ(first.at("pretrained").size(), 10U);
  for (const nlohmann::json& cell : first.at("pretrained")) {
    const double share = cell.at("budget") == "epochs" ? kept / all : 1;
    EXPECT_EQ(cell.at("steps").get<double>(), std::max(1.0, std::round(6 * share))) << cell;
  }
  const nlohmann::json& rows = first.at("probes").at(0).at("rows");
  ASSERT_EQ(rows.size(), 12U);  // six encoders, two probes
  for (const nlohmann::json& row : rows) {
    EXPECT_EQ(row.at("draws"), 4);  // two seeds of two draws
    EXPECT_EQ(row.contains("accuracy_to_all"), row.at("arm") != "all");
  }
  // A cell that was not finished is trained again, and says the same.
  const std::string again = first.at("pretrained").at(3).at("run").get<std::string>();
  fs::remove_all(path("work/ab/" + again));

  const nlohmann::json second = answer(words);

  EXPECT_EQ(second.at("probes"), first.at("probes"));
  EXPECT_EQ(second.at("pretrained").at(0), first.at("pretrained").at(0));
  EXPECT_TRUE(fs::exists(path("work/ab/ab.json")));
}

}  // namespace
}  // namespace marrow
