#include "apps/onnx_export.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "models/onnx/onnx_model.h"
#include "tests/support/process.h"

namespace marrow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(OnnxOfARun, RefusesAFolderThatIsNoRun) {
  const TemporaryFolder folder;

  try {
    export_onnx_of_run(folder.path(), folder.path() / "network.onnx");
    FAIL() << "an empty folder was exported";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNothingFound);
    EXPECT_THAT(error.what(), HasSubstr("no run folder"));
  }
}

// A pretrained encoder and a segmenter of a few steps.
class OnnxRunsEndToEnd : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    marrow({"phantom",
            "practice",
            "--kind",
            "mr",
            "--patients",
            "2",
            "--labelled",
            "4",
            "--size",
            "40x36x32"});
    marrow({"scan", "practice/archive"});
    marrow({"prepare", "--config", "prepare/mr.yaml"});
    marrow({"pretrain", "--config", "pretrain/spark3d.yaml", "--out", "spark"});
    marrow({"finetune",
            "segment",
            "--from",
            "spark",
            "--data",
            "practice/labelled",
            "--cases",
            "2",
            "--out",
            "seg"});
  }

  static void TearDownTestSuite() { folder_.reset(); }

  static void marrow(std::vector<std::string> words) {
    if (words[0] == "pretrain" || words[0] == "finetune") {
      words.insert(words.end(),
                   {"train.steps=2", "data.patch_size=[16,16,32]", "train.batch_size=2"});
    }
    words.insert(words.begin(), std::string(MARROW_BUILD_FOLDER) + "/marrow");
    words.insert(words.end(), {"--threads", "1", "--progress", "none"});
    test::ProcessOptions options;
    options.folder = folder_->path();
    const test::ProcessResult result = test::run_process(words, options);
    ASSERT_TRUE(result.exit_code == 0 || result.exit_code == 6) << result.err;
  }

  static std::filesystem::path path(const std::string& name) { return folder_->path() / name; }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> OnnxRunsEndToEnd::folder_;

TEST_F(OnnxRunsEndToEnd, APretrainedRunGivesItsEncodersMapsAndTheirMean) {
  const ExportedOnnx exported = export_onnx_of_run(path("spark"), path("encoder.onnx"));

  EXPECT_THAT(exported.input_size, ElementsAre(1, 16, 16, 32));
  EXPECT_EQ(exported.outputs.back(), "pooled");
  const OnnxModel model = read_onnx(path("encoder.onnx"));
  EXPECT_THAT(model.inputs.at(0).size, ElementsAre(-1, 1, 16, 16, 32));
  ASSERT_EQ(model.outputs.size(), exported.outputs.size());
  EXPECT_EQ(model.outputs.back().size.size(), 2U);
  EXPECT_EQ(model.metadata.at("marrow.task"), "pretrain");
  EXPECT_EQ(model.metadata.at("marrow.patch_size"), "[16,16,32]");
  EXPECT_EQ(nlohmann::json::parse(model.metadata.at("marrow.recipe")),
            nlohmann::json::parse(read_text(path("spark/encoder/preprocessor.json"))));
}

TEST_F(OnnxRunsEndToEnd, ASegmenterGivesLogitsOnTheTilesGridAndNamesItsClasses) {
  const ExportedOnnx exported = export_onnx_of_run(path("seg"), path("segmenter.onnx"));

  EXPECT_THAT(exported.outputs, ElementsAre("logits"));
  const OnnxModel model = read_onnx(path("segmenter.onnx"));
  const nlohmann::json classes = nlohmann::json::parse(model.metadata.at("marrow.classes"));
  ASSERT_EQ(model.outputs.size(), 1U);
  EXPECT_THAT(model.outputs[0].size,
              ElementsAre(-1, static_cast<std::int64_t>(classes.size()), 16, 16, 32));
  EXPECT_EQ(classes.at(0), nlohmann::json({{"value", 0}, {"name", "background"}}));
}

}  // namespace
}  // namespace marrow
