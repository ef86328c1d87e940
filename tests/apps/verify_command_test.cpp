// verify: a run that is whole passes, and every kind of damage is found and named.
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "apps/run_checks.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "models/weights/safetensors.h"
#include "tests/support/process.h"
#include "tests/support/tiny_pretraining.h"

namespace marrow {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Two small runs, "run" and "other", made once; each test damages a copy.
class VerifyEndToEnd : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    must({"phantom",
          "demo",
          "--kind",
          "mr",
          "--patients",
          "1",
          "--labelled",
          "4",
          "--size",
          "24x20x16"});
    pretrain("run", "6", "17");
    pretrain("other", "6", "18");
  }

  static void TearDownTestSuite() { folder_.reset(); }

  void SetUp() override {
    fs::copy(folder_->path() / "run", copy_.path() / "run", fs::copy_options::recursive);
  }

  static void pretrain(const std::string& out, const std::string& steps, const std::string& seed) {
    must(test::with_tiny_pretraining({"pretrain",
                                      "--config",
                                      "pretrain/spark2d.yaml",
                                      "--data",
                                      "demo/labelled",
                                      "--out",
                                      out,
                                      "--seed",
                                      seed,
                                      "train.steps=" + steps,
                                      "train.save_every=2",
                                      "train.log_every=2",
                                      "train.ema=0.9"}));
  }

  static test::ProcessResult marrow(std::vector<std::string> words) {
    words.insert(words.end(), {"--progress", "none", "--threads", "1"});
    return test::run_marrow(std::move(words), {folder_->path(), "", -1});
  }

  static void must(const std::vector<std::string>& words) {
    const test::ProcessResult result = marrow(words);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  [[nodiscard]] fs::path run() const { return copy_.path() / "run"; }

  [[nodiscard]] fs::path checkpoint() const {
    return run() / "checkpoints" / "step-00000006.safetensors";
  }

  [[nodiscard]] fs::path weights() const { return run() / "encoder" / "model.safetensors"; }

  // "name: detail" of every check that failed, one a line.
  [[nodiscard]] std::string failures() const {
    std::string text;
    for (const Check& check : run_checks(run())) {
      text += check.ok ? "" : check.name + ": " + check.detail + "\n";
    }
    return text;
  }

  [[nodiscard]] std::string detail(const std::string& name) const {
    for (const Check& check : run_checks(run())) {
      if (check.name == name) {
        return check.detail;
      }
    }
    return "";
  }

  static void flip_byte_before_end(const fs::path& file, int distance) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(-distance, std::ios::end);
    const int byte = stream.get();
    stream.seekp(-distance, std::ios::end);
    stream.put(static_cast<char>(byte ^ 0x10));
  }

  static void change_text(const fs::path& file, const std::string& from, const std::string& to) {
    std::string text = read_text(file);
    const std::size_t place = text.find(from);
    ASSERT_NE(place, std::string::npos) << from;
    text.replace(place, from.size(), to);
    write_atomically(file, text);
  }

  // The manifest's digest follows a change, so that the other checks must find it.
  void take_new_digest(const std::string& name) const {
    nlohmann::ordered_json manifest =
        nlohmann::ordered_json::parse(read_text(run() / "manifest.json"));
    manifest["files"][name] = sha256_file(run() / name);
    write_atomically(run() / "manifest.json", manifest.dump(2));
  }

  TemporaryFolder copy_;
  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> VerifyEndToEnd::folder_;

TEST_F(VerifyEndToEnd, AnIntactRunPassesAndSaysWhatWasCompared) {
  EXPECT_EQ(failures(), "");
  EXPECT_THAT(detail("encoder.weights"), HasSubstr("equal to step-00000006.safetensors"));
  EXPECT_THAT(detail("files"), HasSubstr("5 files"));
  EXPECT_THAT(detail("provenance"), HasSubstr("pretrain --config pretrain/spark2d.yaml"));

  const test::ProcessResult result = marrow({"verify", run().string(), "--json"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_GE(nlohmann::json::parse(result.out).at("checks").size(), 10U);
}

TEST_F(VerifyEndToEnd, AFailedCheckEndsTheCommandWithTheCodeOfUnreadableFiles) {
  flip_byte_before_end(weights(), 5);

  const test::ProcessResult result = marrow({"verify", run().string()});

  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.out, HasSubstr("BAD   encoder.weights"));
}

TEST_F(VerifyEndToEnd, AFolderThatIsNoRunIsRefusedWithTheNearestName) {
  const test::ProcessResult result = marrow({"verify", "othr"});

  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("did you mean \"other\""));
}

TEST_F(VerifyEndToEnd, AFlippedByteIsFoundInACheckpointAndInTheEncoder) {
  flip_byte_before_end(checkpoint(), 40);
  flip_byte_before_end(weights(), 40);

  const std::string found = failures();

  EXPECT_THAT(found, HasSubstr("checkpoint.step-00000006: "));
  EXPECT_THAT(found, HasSubstr("does not match its checksum"));
  EXPECT_THAT(found, HasSubstr("files: encoder/model.safetensors is not what the run wrote"));
}

TEST_F(VerifyEndToEnd, ACutFileIsFound) {
  fs::resize_file(checkpoint(), fs::file_size(checkpoint()) - 100);
  EXPECT_THAT(failures(), HasSubstr("cut short"));
}

TEST_F(VerifyEndToEnd, AMissingLastCheckpointIsFound) {
  fs::remove(checkpoint());
  EXPECT_THAT(failures(), HasSubstr("checkpoints: the run ended at step 6"));
}

TEST_F(VerifyEndToEnd, ACheckpointOfAnotherRunIsFound) {
  fs::copy_file(folder_->path() / "other/checkpoints/step-00000006.safetensors",
                checkpoint(),
                fs::copy_options::overwrite_existing);

  const std::string found = failures();

  EXPECT_THAT(found, HasSubstr("is of a run with seed 18, not 17"));
  EXPECT_THAT(found, HasSubstr("is not that of step-00000006.safetensors"));
}

TEST_F(VerifyEndToEnd, ACheckpointOfAnotherStepOrOfOtherDataIsFound) {
  TensorFile content = read_safetensors(checkpoint());
  content.metadata["data_fingerprint"] = "other";
  write_safetensors(checkpoint(), content);
  EXPECT_THAT(failures(), HasSubstr("on other data than the manifest says"));

  content.metadata["step"] = "4";
  write_safetensors(checkpoint(), content);
  EXPECT_THAT(failures(), HasSubstr("step-00000006.safetensors is of step 4"));
}

TEST_F(VerifyEndToEnd, WeightsThatAreNotFiniteAreNamed) {
  TensorFile content = read_safetensors(weights());
  const std::string name = content.tensors.front().first;
  content.tensors.front().second.fill_(std::numeric_limits<double>::quiet_NaN());
  write_safetensors(weights(), content);
  take_new_digest("encoder/model.safetensors");

  EXPECT_THAT(failures(), HasSubstr("encoder/model.safetensors: \"" + name + "\" holds values"));
}

TEST_F(VerifyEndToEnd, TheEncoderOfAnotherRunIsFoundWithoutDigestsToo) {
  fs::copy_file(folder_->path() / "other/encoder/model.safetensors",
                weights(),
                fs::copy_options::overwrite_existing);
  nlohmann::ordered_json manifest =
      nlohmann::ordered_json::parse(read_text(run() / "manifest.json"));
  manifest.erase("files");
  write_atomically(run() / "manifest.json", manifest.dump(2));

  EXPECT_THAT(failures(), HasSubstr("encoder.weights: "));
  EXPECT_THAT(detail("files"), HasSubstr("the manifest is of an earlier version"));
}

TEST_F(VerifyEndToEnd, AnEditedConfigurationIsFoundThreeTimes) {
  change_text(run() / "config.yaml", "batch_size: 2", "batch_size: 4");

  const std::string found = failures();

  EXPECT_THAT(found, HasSubstr("files: config.yaml is not what the run wrote"));
  EXPECT_THAT(found,
              HasSubstr("checkpoint.step-00000004: step-00000004.safetensors is of a run "
                        "with another configuration"));
  EXPECT_THAT(found, HasSubstr("checkpoint.step-00000006: "));
}

TEST_F(VerifyEndToEnd, ASettingThatDoesNotExistIsNamedWithItsLine) {
  change_text(run() / "config.yaml", "mask_ratio", "mask_rato");
  EXPECT_THAT(failures(), HasSubstr("config: method: there is no key \"mask_rato\""));
}

TEST_F(VerifyEndToEnd, ADescriptionOfAnotherNetworkIsFound) {
  change_text(run() / "encoder/config.json", "features: [4, 8]", "features: [4, 6]");
  take_new_digest("encoder/config.json");

  const std::string found = failures();

  EXPECT_THAT(found, HasSubstr("encoder.config: encoder/config.json describes another network"));
  EXPECT_THAT(found, HasSubstr("encoder.weights: weights: "));
}

TEST_F(VerifyEndToEnd, AnotherRecipeIsFound) {
  change_text(run() / "encoder/preprocessor.json", "\"modality\":", "\"modality_was\":");
  take_new_digest("encoder/preprocessor.json");
  EXPECT_THAT(failures(), HasSubstr("encoder.recipe: "));
}

TEST_F(VerifyEndToEnd, RowsOfMetricsThatAreCutOrOutOfOrderAreFound) {
  const std::string rows = read_text(run() / "metrics.jsonl");
  write_atomically(run() / "metrics.jsonl", rows.substr(0, rows.size() - 10));
  EXPECT_THAT(failures(), HasSubstr("line 3 is no row of metrics"));

  write_atomically(run() / "metrics.jsonl", rows + "{\"step\":2}\n");
  EXPECT_THAT(failures(), HasSubstr("line 4 is of step 2 after step 6"));

  write_atomically(run() / "metrics.jsonl", rows.substr(0, rows.find('\n') + 1));
  EXPECT_THAT(failures(), HasSubstr("ends at step 2, the run at step 6"));
}

TEST_F(VerifyEndToEnd, AManifestOfAnotherVersionOrWithAForeignPathIsRefused) {
  const std::string whole = read_text(run() / "manifest.json");
  change_text(run() / "manifest.json", "\"manifest_version\": 1", "\"manifest_version\": 9");
  EXPECT_THAT(failures(), HasSubstr("was not written by this version of the program"));

  write_atomically(run() / "manifest.json", whole);
  change_text(run() / "manifest.json", "\"config.yaml\": ", "\"../run/../../config.yaml\": ");
  EXPECT_THAT(failures(), HasSubstr("names a file outside of the run"));
}

TEST_F(VerifyEndToEnd, ARunThatWasStoppedIsJudgedByWhatThereIs) {
  fs::remove_all(run() / "encoder");
  fs::remove(checkpoint());
  nlohmann::ordered_json manifest =
      nlohmann::ordered_json::parse(read_text(run() / "manifest.json"));
  manifest.erase("finished_utc");
  manifest.erase("steps");
  manifest["files"] = {{"config.yaml", sha256_file(run() / "config.yaml")}};
  write_atomically(run() / "manifest.json", manifest.dump(2));

  EXPECT_EQ(failures(), "");
  EXPECT_THAT(detail("manifest"), HasSubstr("not ended"));
}

}  // namespace
}  // namespace marrow
