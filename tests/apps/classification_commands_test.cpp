// finetune classify, evaluate and predict on small pictures.
#include <csignal>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "clinical/report/png.h"
#include "core/digest.h"
#include "core/files.h"
#include "core/rng.h"
#include "tests/support/process.h"

namespace marrow {
namespace {

using ::testing::HasSubstr;

const std::string kProgram = std::string(MARROW_BUILD_FOLDER) + "/marrow";

// Pictures of three kinds in noise, of several sizes: a disc, a bar, and neither.
Picture made_picture(int kind, std::uint64_t number) {
  Rng rng(number, "picture", {static_cast<std::uint64_t>(kind)});
  const std::int64_t size = 24 + 8 * static_cast<std::int64_t>(number % 3);
  Picture picture = make_picture(size, size, {0, 0, 0});
  const double scale = static_cast<double>(size) / 24;
  for (std::int64_t y = 0; y < size; ++y) {
    for (std::int64_t x = 0; x < size; ++x) {
      const double dx = (static_cast<double>(x) / scale) - 12;
      const double dy = (static_cast<double>(y) / scale) - 12;
      const bool shape = kind == 0 ? dx * dx + dy * dy < 40 : kind == 1 && std::abs(dx) < 3;
      const auto grey = static_cast<std::uint8_t>(40 + 60 * rng.uniform() + (shape ? 120 : 0));
      picture.at(x, y) = {grey, grey, grey};
    }
  }
  return picture;
}

class ClassificationEndToEnd : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    const std::vector<std::string> names = {"bar", "disc", "none"};
    const std::vector<int> kinds = {1, 0, 2};
    for (const char* const split : {"train", "val", "test"}) {
      for (std::size_t n = 0; n < names.size(); ++n) {
        for (std::uint64_t number = 0; number < 6; ++number) {
          const std::uint64_t seed = number + 100 * (split[0] == 'v'   ? 1U
                                                     : split[1] == 'e' ? 2U
                                                                       : 0U);
          write_atomically(
              folder_->path() / "shapes" / split / names[n] / (std::to_string(seed) + ".png"),
              encode_png(made_picture(kinds[n], seed)));
        }
      }
    }
  }

  static void TearDownTestSuite() { folder_.reset(); }

  static test::ProcessResult run(std::vector<std::string> words) {
    words.insert(words.end(), {"--threads", "1", "--progress", "none"});
    return test::run_marrow(std::move(words), {folder_->path(), "", -1});
  }

  static nlohmann::json answer(std::vector<std::string> words) {
    words.emplace_back("--json");
    const test::ProcessResult result = run(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out, nullptr, false);
  }

  static std::vector<std::string> finetune(const std::string& data,
                                           const std::string& out,
                                           const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"finetune",
                                      "classify",
                                      "--from",
                                      "none",
                                      "--data",
                                      data,
                                      "--out",
                                      out,
                                      "encoder.depth=10",
                                      "encoder.width=8",
                                      "prepare.fit_size=24",
                                      "data.patch_size=[24,24]",
                                      "train.batch_size=6",
                                      "train.steps=40",
                                      "train.lr=5e-3",
                                      "train.precision=fp32",
                                      "train.log_every=10",
                                      "train.save_every=10"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  static void write_list(const std::string& name, const std::string& rows) {
    std::ofstream(folder_->path() / name) << rows;
  }

  static std::filesystem::path path(const std::string& name) { return folder_->path() / name; }

  static inline std::unique_ptr<TemporaryFolder> folder_;
};

TEST_F(ClassificationEndToEnd, FromFoldersOfPicturesToScoresOnPicturesNeverSeen) {
  const nlohmann::json trained =
      answer(finetune("shapes", "run", {"train.validate_every=20", "train.steps=60"}));
  const nlohmann::json scored = answer({"evaluate", "run", "--data", "shapes"});
  const nlohmann::json predicted =
      answer({"predict", "run", "-i", "shapes/test/disc", "-o", "said"});

  const test::ProcessResult verified = run({"verify", "run"});
  const test::ProcessResult exported = run({"export", "run", "--out", "other", "--to", "onnx"});

  EXPECT_EQ(verified.exit_code, 0) << verified.out;
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_TRUE(std::filesystem::exists(path("other/model.onnx")));
  EXPECT_EQ(trained.at("method"), "classify");
  EXPECT_EQ(trained.at("steps"), 60);
  EXPECT_GT(trained.at("best"), 0.7);
  EXPECT_EQ(scored.at("n"), 18);
  EXPECT_GT(scored.at("mean").at("macro_auroc"), 0.8);
  EXPECT_EQ(scored.at("classes").at(0).at("name"), "bar");
  EXPECT_EQ(scored.at("confusion").size(), 3U);
  ASSERT_EQ(predicted.at("outputs").size(), 6U);
  const nlohmann::json said = nlohmann::json::parse(
      read_text(predicted.at("outputs").at(0).at("path").get<std::string>().insert(
          0, folder_->path().string() + "/")));
  double sum = 0;
  for (const auto& [name, score] : said.at("scores").items()) {
    sum += score.get<double>();
  }
  EXPECT_NEAR(sum, 1, 1e-6);
}

TEST_F(ClassificationEndToEnd, KilledThenRepeatedItEndsWithTheSameWeights) {
  const std::vector<std::string> more = {"classification.freeze=intended",
                                         "classification.freeze_epochs=2",
                                         "classification.mixup=0.4",
                                         "head.dropout=0.2",
                                         "augment.randaugment=1",
                                         "train.ema=0.9"};
  const std::vector<std::string> whole = finetune("shapes", "whole", more);
  ASSERT_EQ(run(whole).exit_code, 0);
  for (const int signal : {SIGKILL, SIGTERM}) {
    const std::string out = "signal-" + std::to_string(signal);
    std::vector<std::string> words = finetune("shapes", out, more);
    words.insert(words.begin(), kProgram);
    words.insert(words.end(), {"--threads", "1", "--progress", "none"});
    static_cast<void>(test::stop_process(
        words, folder_->path(), path(out + "/checkpoints/step-00000010.safetensors"), signal));

    ASSERT_EQ(run(finetune("shapes", out, more)).exit_code, 0);

    EXPECT_EQ(sha256_hex(read_text(path(out + "/encoder/model.safetensors"))),
              sha256_hex(read_text(path("whole/encoder/model.safetensors"))))
        << signal;
  }
}

TEST_F(ClassificationEndToEnd, NoCasesOfEachClassAreRefused) {
  for (const std::string number : {"0", "99999999999999999999"}) {
    const test::ProcessResult result = run(finetune("shapes", "none", {"--cases", number}));
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr("--cases: expected 1 or more"));
  }
}

TEST_F(ClassificationEndToEnd, ANumberOfCasesIsSoManyOfEachClass) {
  const test::ProcessResult result = run(finetune("shapes", "few", {"--cases", "2"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json manifest = nlohmann::json::parse(read_text(path("few/manifest.json")));

  const auto cases = manifest.at("facts").at("training_cases").get<std::string>();
  EXPECT_EQ(std::count(cases.begin(), cases.end(), ','), 5);
}

TEST_F(ClassificationEndToEnd, SeveralFindingsAreScoredOneByOne) {
  std::string rows = "image,label,split\n";
  for (const char* const split : {"train", "test"}) {
    const std::string first = split[1] == 'r' ? "0" : "200";
    for (std::uint64_t n = 0; n < 6; ++n) {
      const std::string number = std::to_string(std::stoull(first) + n);
      for (const auto& [name, label] :
           {std::pair{"bar", "1;0"}, std::pair{"disc", "0;1"}, std::pair{"none", "0;0"}}) {
        rows += std::string("shapes/") + split + "/" + name + "/" + number + ".png," + label + "," +
                split + "\n";
      }
    }
  }
  write_list("findings.csv", rows);
  ASSERT_EQ(run(finetune("findings.csv", "findings")).exit_code, 0);

  const nlohmann::json scored = answer({"evaluate", "findings", "--data", "findings.csv"});

  EXPECT_EQ(scored.at("findings"), true);
  EXPECT_EQ(scored.at("classes").size(), 2U);
  EXPECT_EQ(scored.at("classes").at(0).at("positives"), 6);
  EXPECT_GT(scored.at("mean").at("macro_auroc"), 0.6);
}

TEST_F(ClassificationEndToEnd, WhatCannotBeLearntIsRefusedInOneSentence) {
  const std::string bar = "shapes/train/bar/0.png";
  write_list("one.csv", "image,label,split\n" + bar + ",a,train\nshapes/train/bar/1.png,a,train\n");
  write_list("missing.csv",
             "image,label,split\n" + bar + ",a,train\nshapes/train/disc/1.png,b,train\n" +
                 "shapes/test/disc/200.png,c,test\n");
  write_list("mixed.csv",
             "image,label,split\n" + bar + ",1,train\nshapes/train/disc/1.png,0;1,train\n");
  ASSERT_EQ(run(finetune("shapes", "known", {"train.steps=2"})).exit_code, 0);
  write_list("unknown.csv",
             "image,label,split\nshapes/test/bar/200.png,bar,test\n" +
                 std::string("shapes/test/disc/200.png,ring,test\n"));

  const test::ProcessResult one = run(finetune("one.csv", "no1"));
  const test::ProcessResult missing = run(finetune("missing.csv", "no2"));
  const test::ProcessResult mixed = run(finetune("mixed.csv", "no3"));
  const test::ProcessResult unknown = run({"evaluate", "known", "--data", "unknown.csv"});
  const test::ProcessResult segmenter =
      run({"evaluate", "known", "--data", "shapes", "--split", "train"});
  const test::ProcessResult size = run(finetune("shapes",
                                                "no4",
                                                {"encoder.name=vit",
                                                 "encoder.size=custom",
                                                 "encoder.width=24",
                                                 "encoder.depth=1",
                                                 "encoder.heads=2",
                                                 "encoder.patch=[16]"}));

  EXPECT_EQ(one.exit_code, 7);
  EXPECT_THAT(one.err, HasSubstr("one class"));
  EXPECT_EQ(missing.exit_code, 7);
  EXPECT_THAT(missing.err, HasSubstr("\"c\""));
  EXPECT_NE(mixed.exit_code, 0);
  EXPECT_EQ(unknown.exit_code, 7);
  EXPECT_THAT(unknown.err, HasSubstr("\"ring\""));
  EXPECT_EQ(segmenter.exit_code, 7);
  EXPECT_THAT(segmenter.err, HasSubstr("trained on"));
  EXPECT_EQ(size.exit_code, 2) << size.err;
}

TEST_F(ClassificationEndToEnd, ACommandThatIsRefusedLeavesAFinishedRunAsItWas) {
  ASSERT_EQ(run(finetune("shapes", "finished", {"train.steps=2"})).exit_code, 0);
  const auto text = [&](const char* name) { return read_text(path("finished") / name); };
  const std::string config = text("config.yaml"), manifest = text("manifest.json");

  const test::ProcessResult longer = run(finetune("shapes", "finished", {"train.steps=3"}));

  EXPECT_EQ(longer.exit_code, 7);
  EXPECT_EQ(text("config.yaml"), config);
  EXPECT_EQ(text("manifest.json"), manifest);
}

TEST_F(ClassificationEndToEnd, OtherLabelsAreNotLearntFromOnTheSameRun) {
  const auto rows = [&](const std::string& bar) {
    std::string text = "image,label,split\n";
    for (int n = 0; n < 4; ++n) {
      text += "shapes/train/bar/" + std::to_string(n) + ".png," + bar + ",train\n";
      text += "shapes/train/disc/" + std::to_string(n) + ".png,disc,train\n";
    }
    return text;
  };
  write_list("labels.csv", rows("bar"));
  write_list("renamed.csv", rows("edge"));  // which puts the classes into another order
  ASSERT_EQ(run(finetune("labels.csv", "labels", {"train.steps=2"})).exit_code, 0);

  const test::ProcessResult renamed = run(finetune("renamed.csv", "labels", {"train.steps=2"}));

  EXPECT_EQ(renamed.exit_code, 7) << renamed.err;
  EXPECT_THAT(renamed.err, HasSubstr("other classes"));
}

TEST_F(ClassificationEndToEnd, ADamagedManifestIsNamed) {
  write_list("described.csv",
             "image,label,split\nshapes/train/bar/0.png,bar,train\nshapes/train/disc/0.png,disc,"
             "train\nshapes/test/bar/200.png,bar,test\nshapes/test/disc/200.png,disc,test\n");
  ASSERT_EQ(run(finetune("described.csv", "described", {"train.steps=2"})).exit_code, 0);
  const nlohmann::json good = nlohmann::json::parse(read_text(path("described/manifest.json")));
  const auto said = [](const nlohmann::json& manifest) {
    write_atomically(path("described/manifest.json"), manifest.dump());
    const test::ProcessResult result = run({"evaluate", "described", "--data", "described.csv"});
    EXPECT_EQ(result.exit_code, 4) << result.err;
    EXPECT_THAT(result.err, HasSubstr("manifest.json is damaged: "));
    return result.err;
  };

  nlohmann::json manifest = good;
  manifest["facts"].erase("classes");
  EXPECT_THAT(said(manifest), HasSubstr("\"classes\""));
  manifest["facts"]["classes"] = "0=bar\ndisc";
  EXPECT_THAT(said(manifest), HasSubstr("the line \"disc\""));
  manifest["facts"] = nlohmann::json::array();
  EXPECT_THAT(said(manifest), HasSubstr("\"facts\""));
  manifest = good;
  manifest["facts"].erase("training_cases");
  EXPECT_THAT(said(manifest), HasSubstr("\"training_cases\""));
}

TEST_F(ClassificationEndToEnd, ASplitThatIsNotThereIsAnsweredWithThoseThatAre) {
  ASSERT_EQ(run(finetune("shapes", "splits", {"train.steps=2"})).exit_code, 0);

  const test::ProcessResult result =
      run({"evaluate", "splits", "--data", "shapes", "--split", "holdout"});

  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("of the split holdout in shapes"));
  EXPECT_THAT(result.err, HasSubstr("labelled are 18 test, 18 train, 18 validation"));
}

TEST_F(ClassificationEndToEnd, OneDamagedPictureIsLeftOutAndNamed) {
  std::string rows = "image,label,split\n";
  for (int n = 0; n < 4; ++n) {
    rows += "shapes/train/bar/" + std::to_string(n) + ".png,bar,train\n";
    rows += "shapes/train/disc/" + std::to_string(n) + ".png,disc,train\n";
  }
  write_atomically(path("damaged.png"), std::string_view("\x89PNG\r\n\x1a\nno picture"));
  write_list("damaged.csv", rows + "damaged.png,disc,train\n");

  const test::ProcessResult result = run(finetune("damaged.csv", "damaged", {"train.steps=2"}));

  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("1 of 9 cases"));
}

TEST_F(ClassificationEndToEnd, ATestPictureThatIsATrainingPictureOfAnotherNameIsTold) {
  std::string rows = "image,label,split\n";
  for (int n = 0; n < 4; ++n) {
    rows += "shapes/train/bar/" + std::to_string(n) + ".png,bar,train\n";
    rows += "shapes/train/disc/" + std::to_string(n) + ".png,disc,train\n";
    rows += "shapes/test/disc/" + std::to_string(200 + n) + ".png,disc,test\n";
  }
  std::filesystem::copy_file(path("shapes/train/disc/2.png"), path("again.png"));
  write_list("copies.csv", rows + "again.png,disc,test\n");
  write_list("no_copies.csv", rows);

  const test::ProcessResult told = run(finetune("copies.csv", "copies", {"train.steps=2"}));
  const test::ProcessResult quiet = run(finetune("no_copies.csv", "no_copies", {"train.steps=2"}));

  EXPECT_EQ(told.exit_code, 0) << told.err;
  EXPECT_THAT(told.err, HasSubstr("1 of 5 cases of validation and test have the same voxels"));
  EXPECT_THAT(told.err, HasSubstr("again is "));
  EXPECT_THAT(quiet.err, ::testing::Not(HasSubstr("same voxels")));
}

TEST_F(ClassificationEndToEnd, ARecipeOfAPresetGivesWayToThatOfThePretrainedRun) {
  const std::vector<std::string> pretrain = {"pretrain",
                                             "--config",
                                             "pretrain/spark2d.yaml",
                                             "--data",
                                             "shapes",
                                             "--out",
                                             "unsized",
                                             "encoder.features=[8,16]",
                                             "encoder.strides=[1,2]",
                                             "encoder.blocks=[1,1]",
                                             "method.decoder_widths=[8,16]",
                                             "data.patch_size=[32,32]",
                                             "train.steps=2",
                                             "train.batch_size=2",
                                             "train.precision=fp32"};
  ASSERT_EQ(run(pretrain).exit_code, 0);
  const std::vector<std::string> finetune = {"finetune",
                                             "classify",
                                             "--from",
                                             "unsized",
                                             "--data",
                                             "shapes",
                                             "--out",
                                             "from-unsized",
                                             "data.patch_size=[32,32]",
                                             "train.steps=2",
                                             "train.precision=fp32"};

  const test::ProcessResult taken = run(finetune);
  const test::ProcessResult asked = run([&] {
    std::vector<std::string> words = finetune;
    words.emplace_back("prepare.fit_size=64");
    return words;
  }());

  EXPECT_EQ(taken.exit_code, 0) << taken.err;
  EXPECT_THAT(taken.err, HasSubstr("prepare is that of unsized"));
  EXPECT_EQ(asked.exit_code, 7);
}

TEST_F(ClassificationEndToEnd, EveryImageOfAFolderIsPredictedOrNamed) {
  ASSERT_EQ(run(finetune("shapes", "predictor", {"train.steps=2"})).exit_code, 0);
  write_atomically(path("mixed/a.png"), encode_png(made_picture(0, 1)));
  write_atomically(path("mixed/a.jpeg"), encode_png(made_picture(1, 1)));
  write_atomically(path("mixed/below/a.png"), encode_png(made_picture(2, 1)));
  write_atomically(path("mixed/notes.txt"), std::string_view("no image"));

  const test::ProcessResult result =
      run({"predict", "predictor", "-i", "mixed", "-o", "mixed-said", "--json"});
  const nlohmann::json said = nlohmann::json::parse(result.out);

  EXPECT_EQ(result.exit_code, 6) << result.err;
  EXPECT_EQ(said.at("outputs").size(), 3U);
  std::set<std::string> files;
  for (const nlohmann::json& output : said.at("outputs")) {
    files.insert(output.at("path").get<std::string>());
  }
  EXPECT_EQ(files.size(), 3U) << "no result replaces another";
  EXPECT_EQ(said.at("refused").size(), 1U);
}

// One-class validation cases have no AUROC; the stated rule takes accuracy instead.
TEST_F(ClassificationEndToEnd, ValidationCasesOfOneClassChooseByAccuracy) {
  std::string rows = "image,label,split\n";
  for (int n = 0; n < 4; ++n) {
    rows += "shapes/train/bar/" + std::to_string(n) + ".png,bar,train\n";
    rows += "shapes/train/disc/" + std::to_string(n) + ".png,disc,train\n";
    rows += "shapes/val/disc/" + std::to_string(100 + n) + ".png,disc,validation\n";
  }
  write_list("lopsided.csv", rows);

  const test::ProcessResult result =
      run(finetune("lopsided.csv", "lopsided", {"train.validate_every=20"}));

  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("chosen by accuracy"));
}

}  // namespace
}  // namespace marrow
