// marrow import and marrow export, on a small phantom.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/allclose.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "apps/embedding_file.h"
#include "core/files.h"
#include "models/weights/safetensors.h"
#include "tests/support/process.h"
#include "tests/support/weight_reference.h"

namespace marrow {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kResenc =
    "{name: resenc_unet, dimensions: 3, features: [4, 8, 8], strides: [1, 2, 2], blocks: [1, 1, "
    "1]}";

class ImportExportEndToEnd : public ::testing::Test {
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
    // As nnU-Net keeps its encoder: below "network_weights.encoder.", beside a decoder.
    const auto encoder = testing_support::make_encoder(
        Config::from_text(std::string("encoder: ") + kResenc, "test").section("encoder"));
    TensorFile file = weights_in_names(*encoder, "resenc_unet", "nnunet");
    for (auto& item : file.tensors) {
      item.first = "network_weights.encoder." + item.first;
    }
    file.tensors.emplace_back("network_weights.decoder.seg_layers.0.weight",
                              at::ones({2, 8, 1, 1, 1}));
    write_safetensors(path("theirs.safetensors"), file);
  }

  static void TearDownTestSuite() { folder_.reset(); }

  static test::ProcessResult run(std::vector<std::string> words) {
    words.insert(words.end(), {"--progress", "none", "--threads", "1"});
    return test::run_marrow(std::move(words), {folder_->path(), "", -1});
  }

  static void must(const std::vector<std::string>& words) {
    const test::ProcessResult result = run(words);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  static void expect_refusal(const std::vector<std::string>& words,
                             int code,
                             const std::string& word) {
    const test::ProcessResult result = run(words);
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_THAT(result.err, HasSubstr(word));
    EXPECT_EQ(test::count_lines(result.err, "error:"), 1U) << result.err;
  }

  // import of theirs.safetensors into `out`
  static std::vector<std::string> import_into(const std::string& out) {
    return {"import", "theirs.safetensors", "--encoder", kResenc, "--out", out};
  }

  static fs::path path(const std::string& name) { return folder_->path() / name; }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> ImportExportEndToEnd::folder_;

TEST_F(ImportExportEndToEnd, AnImportSaysWhatItTookAndWhatItLeftOut) {
  std::vector<std::string> words = import_into("said");
  words.emplace_back("--json");

  const test::ProcessResult result = run(words);

  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json answer = nlohmann::json::parse(result.out);
  EXPECT_EQ(answer.at("names"), "nnunet");
  EXPECT_EQ(answer.at("prefix"), "network_weights.encoder.");
  EXPECT_EQ(answer.at("matched"), answer.at("total"));
  EXPECT_EQ(answer.at("blocks").at(0).at("block"), "stem");
  EXPECT_EQ(answer.at("left_out"),
            (std::vector<std::string>{"network_weights.decoder.seg_layers.0.weight"}));
  EXPECT_EQ(nlohmann::json::parse(read_text(path("said/manifest.json"))).at("task"), "import");
  const test::ProcessResult verified = run({"verify", "said"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out;
}

TEST_F(ImportExportEndToEnd, AnImportedRunIsFinetunedAndEmbeddedLikeAPretrainedOne) {
  must(import_into("imported"));

  const test::ProcessResult tuned = run({"finetune",
                                         "segment",
                                         "--from",
                                         "imported",
                                         "--data",
                                         "demo/labelled",
                                         "--cases",
                                         "2",
                                         "--out",
                                         "tuned",
                                         "data.patch_size=[16,16,16]",
                                         "head.widths=[]",
                                         "train.steps=2",
                                         "train.batch_size=2",
                                         "train.validate_every=2"});
  const test::ProcessResult embedded =
      run({"embed", "imported", "--data", "demo/labelled", "--out", "imported.safetensors"});

  EXPECT_EQ(tuned.exit_code, 0) << tuned.err;
  EXPECT_THAT(tuned.err, HasSubstr("encoder: all "));
  EXPECT_EQ(embedded.exit_code, 0) << embedded.err;
}

TEST_F(ImportExportEndToEnd, WhatWasExportedAndImportedAgainSeesTheSame) {
  must(import_into("first"));
  must({"export", "first", "--out", "exported"});
  must({"import",
        "exported/model.safetensors",
        "--encoder",
        kResenc,
        "--out",
        "second",
        "--seed",
        "5"});
  for (const std::string name : {"first", "second"}) {
    must({"embed", name, "--data", "demo/labelled", "--out", name + ".safetensors"});
  }

  const TensorFile first = read_safetensors(path("first.safetensors"));
  const TensorFile second = read_safetensors(path("second.safetensors"));
  EXPECT_TRUE(at::allclose(first.find("volumes"), second.find("volumes"), 0.0, 0.0));
  EXPECT_TRUE(read_safetensors(path("exported/model.safetensors"))
                  .find("stem.convs.0.all_modules.0.weight")
                  .defined());
  EXPECT_THAT(read_text(path("exported/README.md")), HasSubstr("ResidualEncoder(1, 3, [4, 8, 8]"));
  EXPECT_TRUE(fs::exists(path("exported/preprocessor.json")));
}

TEST_F(ImportExportEndToEnd, ANetworkThatNoLibraryHasIsPointedToOnnx) {
  const std::string vit =
      "{name: vit, dimensions: 3, size: custom, width: 12, depth: 2, heads: 2, patch: [8], "
      "image_size: [16]}";
  const auto encoder = testing_support::make_encoder(
      Config::from_text("encoder: " + vit, "test").section("encoder"));
  write_safetensors(path("vit.safetensors"), weights_in_names(*encoder, "vit", "marrow"));
  must({"import", "vit.safetensors", "--encoder", vit, "--out", "vit"});

  const test::ProcessResult exported = run({"export", "vit", "--out", "vit_exported"});

  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_THAT(exported.out, HasSubstr("next: marrow export vit --to onnx"));
  EXPECT_THAT(read_text(path("vit_exported/README.md")), HasSubstr("--to onnx"));
}

TEST_F(ImportExportEndToEnd, AnImportIsRefusedInOneSentenceWithTheCodeOfItsKind) {
  write_atomically(path("theirs.pth"), std::string_view("PK\x03\x04 pickled", 12));
  TensorFile other;
  other.tensors.emplace_back("lm.head.weight", at::ones({2}));
  write_safetensors(path("other.safetensors"), other);
  write_atomically(path("cut.safetensors"), read_text(path("theirs.safetensors")).substr(0, 2000));

  expect_refusal({"import", "theirs.pth", "--encoder", "resnet", "--out", "r1"}, 5, "run code");
  expect_refusal(
      {"import", "cut.safetensors", "--encoder", "resnet", "--out", "r2"}, 4, "safetensors");
  expect_refusal(
      {"import", "other.safetensors", "--encoder", "resnet", "--out", "r3"}, 7, "conv1.weight");
  expect_refusal({"import", "theirs.safetensors", "--out", "r4"}, 2, "--encoder");
  expect_refusal(
      {"import", "theirs.safetensors", "--encoder", "resnett", "--out", "r5"}, 2, "\"resnet\"");
  expect_refusal({"import",
                  "theirs.safetensors",
                  "--encoder",
                  kResenc,
                  "--out",
                  "r6",
                  "encoder.features=[4,8,16]"},
                 7,
                 "[16, 8, 3, 3, 3]");
  for (const std::string name : {"r1", "r2", "r3", "r4", "r5", "r6"}) {
    EXPECT_FALSE(fs::exists(path(name))) << name;
  }
}

TEST_F(ImportExportEndToEnd, NothingIsOverwrittenUnlessAsked) {
  must(import_into("once"));
  must({"export", "once", "--out", "out"});

  expect_refusal(import_into("once"), 7, "--overwrite");
  expect_refusal({"export", "once", "--out", "out"}, 7, "--overwrite");
  expect_refusal({"export", "once", "--out", "out2", "--names", "keras"}, 2, "nnunet, marrow");
  must({"export", "once", "--out", "out", "--overwrite"});
}

}  // namespace
}  // namespace marrow
