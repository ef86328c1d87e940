#include <chrono>
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/files.h"
#include "io/nifti/nifti.h"
#include "tests/support/process.h"

namespace marrow {
namespace {

const std::string kProgram = std::string(MARROW_BUILD_FOLDER) + "/marrow";
const std::vector<std::string> kTiny = {"data.patch_size=[16,16,16]",
                                        "train.batch_size=2",
                                        "train.save_every=4",
                                        "train.log_every=4",
                                        "train.layout=channels_last",
                                        "train.precision=fp32"};

// A small archive and labelled set, scanned and prepared once for all tests of this file.
class TrainingEndToEnd : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    expect_ok(marrow({"phantom",
                      "practice",
                      "--kind",
                      "mr",
                      "--patients",
                      "2",
                      "--labelled",
                      "8",
                      "--size",
                      "40x36x32"}));
    expect_ok(marrow({"scan", "practice/archive"}));
    expect_ok(marrow({"prepare", "--config", "prepare/mr.yaml"}));
  }

  static void TearDownTestSuite() { folder_.reset(); }

  static test::ProcessResult marrow(std::vector<std::string> words,
                                    const std::vector<std::string>& more = {}) {
    words.insert(words.begin(), kProgram);
    words.insert(words.end(), {"--threads", "1", "--progress", "none"});
    words.insert(words.end(), more.begin(), more.end());
    test::ProcessOptions options;
    options.folder = folder_->path();
    return test::run_process(words, options);
  }

  static void expect_ok(const test::ProcessResult& result) {
    ASSERT_TRUE(result.exit_code == 0 || result.exit_code == 6)
        << result.exit_code << ": " << result.err;
  }

  static std::vector<std::string> pretrain(const std::string& out, int steps) {
    std::vector<std::string> words = {"pretrain",
                                      "--config",
                                      "pretrain/spark3d.yaml",
                                      "--out",
                                      out,
                                      "train.steps=" + std::to_string(steps)};
    words.insert(words.end(), kTiny.begin(), kTiny.end());
    return words;
  }

  static std::filesystem::path path(const std::string& name) { return folder_->path() / name; }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> TrainingEndToEnd::folder_;

TEST_F(TrainingEndToEnd, KilledOrStoppedThenRepeatedItEndsWithTheSameEncoder) {
  const std::string averaged = "train.ema=0.9";
  expect_ok(marrow(pretrain("whole", 24), {averaged}));
  for (const int signal : {SIGKILL, SIGTERM}) {
    const std::string out = "signal-" + std::to_string(signal);
    std::vector<std::string> words = pretrain(out, 24);
    words.insert(words.begin(), kProgram);
    words.insert(words.end(), {averaged, "--threads", "1", "--progress", "none"});
    // Once a number of checkpoints was written, wherever it is by then.
    const std::filesystem::path checkpoint =
        path(out) / "checkpoints" /
        (signal == SIGKILL ? "step-00000004.safetensors" : "step-00000012.safetensors");
    const int status = test::stop_process(words, folder_->path(), checkpoint, signal);
    ASSERT_TRUE(signal == SIGKILL ? WIFSIGNALED(status) : WEXITSTATUS(status) == 9)
        << "it ended before it could be stopped";
    ASSERT_FALSE(std::filesystem::exists(path(out) / "encoder"));

    const test::ProcessResult resumed = marrow(pretrain(out, 24), {averaged, "--json"});

    expect_ok(resumed);
    EXPECT_GT(nlohmann::json::parse(resumed.out)["resumed_from"].get<int>(), 0);
    EXPECT_EQ(sha256_file(path(out) / "encoder/model.safetensors"),
              sha256_file(path("whole") / "encoder/model.safetensors"));
    expect_ok(marrow({"verify", out}));
  }
}

TEST_F(TrainingEndToEnd, StoppedByASignalItSavesAndSaysSo) {
  std::vector<std::string> words = pretrain("stopped", 4000);
  words.insert(words.begin(), kProgram);
  words.insert(words.end(), {"--threads", "1", "--progress", "none"});
  test::ProcessOptions options;
  options.folder = folder_->path();
  options.interrupt_after_s = 6;
  const test::ProcessResult result = test::run_process(words, options);

  EXPECT_EQ(result.exit_code, 9);
  EXPECT_NE(result.err.find("the same command goes on"), std::string::npos) << result.err;
  EXPECT_FALSE(std::filesystem::is_empty(path("stopped/checkpoints")));
}

// Every exam as two channels: the image and the image once more.
TEST_F(TrainingEndToEnd, SeveralChannelsAreLearntScoredAndPredictedAndAMissingOneIsRefused) {
  std::string both = "image,label,split,case\n";
  std::string one = both;
  std::size_t number = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(path("practice/labelled/imagesTr"))) {
    std::string name = entry.path().filename().string();
    const std::string image = entry.path().string();
    name.replace(name.find("_0000"), 5, "");
    const std::string rest = "," + (path("practice/labelled/labelsTr") / name).string() + "," +
                             (number < 2 ? "test" : "train") + ",exam" + std::to_string(number);
    ++number;
    both += image + ";" + image + rest + "\n";
    one += image + rest + "\n";
  }
  for (const auto& [folder, list] : {std::pair{"both", both}, {"one", one}}) {
    std::filesystem::create_directory(path(folder));
    write_atomically(path(folder) / "list.csv", list);
    std::filesystem::copy(path("practice/labelled/dataset.json"), path(folder) / "dataset.json");
  }
  std::vector<std::string> finetune = {"finetune",
                                       "segment",
                                       "--from",
                                       "none",
                                       "--data",
                                       "both/list.csv",
                                       "--out",
                                       "two",
                                       "encoder.input_channels=2",
                                       "train.steps=2"};
  finetune.insert(finetune.end(), kTiny.begin(), kTiny.end());

  expect_ok(marrow(finetune));
  expect_ok(marrow({"evaluate", "two", "--data", "both/list.csv"}));
  expect_ok(marrow({"predict", "two", "--data", "both/list.csv", "-o", "two-out"}));
  EXPECT_TRUE(std::filesystem::exists(path("two-out/exam1_seg.nii.gz")));

  const std::string sentence = "has 1 channel where the network takes 2";
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"evaluate", "two", "--data", "one/list.csv"},
        {"predict", "two", "--data", "one/list.csv", "-o", "two-out-2"}}) {
    const test::ProcessResult refused = marrow(words);
    EXPECT_NE(refused.exit_code, 0) << words[0];
    EXPECT_NE((refused.out + refused.err).find(sentence), std::string::npos)
        << words[0] << ": " << refused.out << refused.err;
  }
}

TEST_F(TrainingEndToEnd, FromPretrainingToAPredictionOnTheInputsGrid) {
  expect_ok(marrow(pretrain("spark", 4)));
  std::vector<std::string> finetune = {"finetune",
                                       "segment",
                                       "--from",
                                       "spark",
                                       "--data",
                                       "practice/labelled",
                                       "--cases",
                                       "4",
                                       "--out",
                                       "seg",
                                       "train.steps=4",
                                       "train.validate_every=4"};
  finetune.insert(finetune.end(), kTiny.begin(), kTiny.end());
  const test::ProcessResult trained = marrow(finetune, {"segmentation.pretrained_decoder=load"});
  expect_ok(trained);
  EXPECT_NE(trained.err.find("encoder: all "), std::string::npos) << trained.err;
  EXPECT_NE(trained.err.find("decoder: 15 tensors loaded"), std::string::npos) << trained.err;

  finetune[9] = "narrow";
  const test::ProcessResult other_decoder =
      marrow(finetune, {"segmentation.pretrained_decoder=load", "head.widths=[8,8,8]"});
  EXPECT_EQ(other_decoder.exit_code, 2);
  EXPECT_NE(other_decoder.err.find("head.widths as method.decoder_widths"), std::string::npos)
      << other_decoder.err;

  const test::ProcessResult evaluation =
      marrow({"evaluate", "seg", "--data", "practice/labelled"}, {"--json"});
  expect_ok(evaluation);
  const nlohmann::json summary = nlohmann::json::parse(evaluation.out);
  EXPECT_TRUE(summary.contains("metric_per_case"));
  EXPECT_TRUE(summary["foreground_mean"].contains("Dice"));
  EXPECT_TRUE(summary.contains("empty_policy"));

  const std::filesystem::path image =
      *std::filesystem::directory_iterator(path("practice/labelled/imagesTr"));
  expect_ok(marrow({"predict", "seg", "-i", image.string(), "-o", "out"}));
  std::string stem = image.filename().string();
  stem.resize(stem.size() - std::string(".nii.gz").size());
  const LabelMap predicted = read_nifti_labels(path("out") / (stem + "_seg.nii.gz"));
  EXPECT_EQ(geometry_difference(predicted.geometry, read_nifti(image).geometry), "");

  const test::ProcessResult again = marrow({"predict", "seg", "-i", image.string(), "-o", "out"});
  EXPECT_EQ(again.exit_code, 7) << "a second prediction must not overwrite the first";
  expect_ok(marrow({"report", "seg", "--pretraining", "spark"}));
  EXPECT_GT(std::filesystem::file_size(path("seg/report.html")), 10000U);

  using std::filesystem::perms;
  for (const char* written : {"work", "spark", "seg", "out"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path(written))) {
      EXPECT_EQ(entry.status().permissions() & (perms::group_all | perms::others_all), perms::none)
          << entry.path() << " is open to others than its owner";
    }
  }

  // Eight cases: 4 patients' worth for training, the rest held out and scored.
  const auto flow = [](const std::filesystem::path& file) {
    return nlohmann::json::parse(read_text(file));
  };
  EXPECT_EQ(flow(path("spark/flow.json")).at("steps").back().at("label"),
            "volumes used for pretraining");
  const nlohmann::json counts = flow(path("seg/evaluation/flow.json"));
  EXPECT_EQ(counts.at("title"), flow(path("seg/flow.json")).at("title"));
  EXPECT_EQ(counts.at("steps")[0].at("count"), 8);
  EXPECT_EQ(counts.at("branches")[0].at("steps").back().at("count"), 4);
  const nlohmann::json& scored = counts.at("branches")[1].at("steps").back();
  EXPECT_EQ(scored.at("label"), "cases scored");
  EXPECT_EQ(scored.at("count"), summary.at("metric_per_case").size());
  EXPECT_TRUE(std::filesystem::exists(path("spark/examples/recon-0-hidden.nii.gz")));
}

TEST_F(TrainingEndToEnd, EvaluatingCasesThatItWasTrainedOnIsRefused) {
  std::vector<std::string> finetune = {"finetune",
                                       "segment",
                                       "--from",
                                       "none",
                                       "--data",
                                       "practice/labelled",
                                       "--cases",
                                       "4",
                                       "--out",
                                       "seen",
                                       "train.steps=2",
                                       "encoder.features=[4,8,8]"};
  finetune.insert(finetune.end(), kTiny.begin(), kTiny.end());
  expect_ok(marrow(finetune));
  const test::ProcessResult result =
      marrow({"evaluate", "seen", "--data", "practice/labelled", "--split", "train"});

  EXPECT_EQ(result.exit_code, 7);
  EXPECT_NE(result.err.find("trained on"), std::string::npos) << result.err;
}

TEST_F(TrainingEndToEnd, MistakesAreOneSentenceWithTheCodeOfTheirKind) {
  const auto expect_error =
      [&](const std::vector<std::string>& words, int code, const std::string& word) {
        const test::ProcessResult result = marrow(words);
        EXPECT_EQ(result.exit_code, code) << result.err;
        EXPECT_NE(result.err.find(word), std::string::npos) << result.err;
        EXPECT_EQ(result.err.find("terminate"), std::string::npos);
      };
  expect_error(
      {"pretrain", "--out", "e1", "method.mask_rato=0.5"}, 2, "did you mean \"mask_ratio\"");
  expect_error({"pretrain", "--out", "e2", "method.mask_ratio=1.5"}, 2, "0.05 to 0.95");
  expect_error(
      {"pretrain", "--out", "e3", "encoder.name=resenc_unt"}, 2, "did you mean \"resenc_unet\"");
  expect_error({"pretrain", "--out", "e4", "data.patch_size=[16,16,20]"}, 2, "multiple");
  expect_error({"pretrain", "--out", "e5", "train.device=cuda"}, 5, "GPU");
  expect_error({"pretrain", "--config", "pretrain/spark4d.yaml", "--out", "e6"},
               2,
               "did you mean \"pretrain/spark3d.yaml\"");
  expect_error({"pretrain", "--out", "practice"}, 7, "holds files but no run");
  expect_error(
      {"finetune", "segment", "--from", "none", "--data", "practice/labeled", "--out", "e7"},
      2,
      "labelled");
  expect_error(
      {"finetune", "segment", "--from", "nowhere", "--data", "practice/labelled", "--out", "e8"},
      3,
      "no run folder");
  expect_error({"evaluate", "practice", "--data", "practice/labelled"}, 3, "no run folder");
  expect_error({"predict", "practice", "-i", "none.nii.gz", "-o", "out2"}, 3, "no run folder");
}

TEST_F(TrainingEndToEnd, AFullDiskKeepsTheLastCheckpointAndTheSameCommandGoesOnWithMoreRoom) {
  std::filesystem::create_directories(path("small"));
  const auto in_name_space = [&](const std::string& script) {
    test::ProcessOptions options;
    options.folder = folder_->path();
    return test::run_process({"/usr/bin/unshare", "-rm", "/bin/sh", "-c", script}, options);
  };
  const std::string mount = "mount -t tmpfs -o size=600k none small 2>/dev/null";
  if (in_name_space(mount).exit_code != 0) {
    GTEST_SKIP() << "this system lets nobody mount a small tmpfs in a name space";
  }
  std::string command = kProgram;
  std::vector<std::string> words = pretrain("small/run", 24);
  words.insert(words.end(),
               {"'encoder.features=[8,8,8]'",
                "'method.decoder_widths=[8,8,8]'",
                "--threads",
                "1",
                "--progress",
                "none"});
  for (const std::string& word : words) {
    command += " " + (word.starts_with("data.") ? "'" + word + "'" : word);
  }

  const test::ProcessResult result =
      in_name_space(mount + "; " + command + "; echo first $?; ls small/run/checkpoints; " +
                    "mount -o remount,size=20m small && " + command + " --json; echo second $?");

  EXPECT_NE(result.out.find("first 8"), std::string::npos) << result.out << result.err;
  EXPECT_NE(result.err.find("free"), std::string::npos) << result.err;
  EXPECT_NE(result.out.find("step-00000004.safetensors"), std::string::npos) << result.out;
  EXPECT_EQ(result.out.find(".tmp"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("second 0"), std::string::npos) << result.out << result.err;
  EXPECT_NE(result.out.find("\"resumed_from\": 8"), std::string::npos) << result.out;
}

TEST_F(TrainingEndToEnd, AnOccupiedRunFolderIsRefused) {
  std::filesystem::create_directories(path("busy"));
  const FolderLock lock(path("busy"));
  const test::ProcessResult result = marrow(pretrain("busy", 2));

  EXPECT_EQ(result.exit_code, 7);
  EXPECT_NE(result.err.find("in use by process " + std::to_string(getpid())), std::string::npos)
      << result.err;
}

TEST_F(TrainingEndToEnd, AnotherConfigurationDoesNotResumeARun) {
  expect_ok(marrow(pretrain("first", 4)));
  const test::ProcessResult result = marrow(pretrain("first", 8));

  EXPECT_EQ(result.exit_code, 7);
  EXPECT_NE(result.err.find("steps: 4"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace marrow
