#include "apps/phantom_command.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/files.h"
#include "core/geometry.h"
#include "io/nifti/nifti.h"
#include "tests/support/process.h"

namespace marrow {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kSmall = {
    "--patients", "2", "--labelled", "4", "--size", "24x20x16"};

test::ProcessResult run_phantom(const std::filesystem::path& folder,
                                std::vector<std::string> more) {
  more.insert(more.begin(), {"phantom", "out"});
  more.insert(more.end(), kSmall.begin(), kSmall.end());
  return test::run_marrow(more, {folder, "", -1});
}

std::map<std::string, std::string> digests_below(const std::filesystem::path& folder) {
  std::map<std::string, std::string> digests;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      digests[entry.path().lexically_relative(folder).string()] = sha256_file(entry.path());
    }
  }
  return digests;
}

TEST(PhantomEndToEnd, SameSeedGivesTheSameBytesForAnyNumberOfThreads) {
  const TemporaryFolder first;
  const TemporaryFolder second;

  ASSERT_EQ(run_phantom(first.path(), {"--threads", "1"}).exit_code, 0);
  ASSERT_EQ(run_phantom(second.path(), {"--threads", "3"}).exit_code, 0);

  EXPECT_EQ(digests_below(first.path() / "out"), digests_below(second.path() / "out"));
}

TEST(PhantomEndToEnd, AnotherSeedGivesOtherPictures) {
  const TemporaryFolder first;
  const TemporaryFolder second;

  ASSERT_EQ(run_phantom(first.path(), {}).exit_code, 0);
  ASSERT_EQ(run_phantom(second.path(), {"--seed", "18"}).exit_code, 0);

  const std::string image = "out/labelled/imagesTr/abdomen_001_0000.nii.gz";
  EXPECT_NE(sha256_file(first.path() / image), sha256_file(second.path() / image));
}

TEST(PhantomEndToEnd, LabelledSetIsAnNnunetFolderWhoseLabelsFitTheirImages) {
  const TemporaryFolder folder;

  ASSERT_EQ(run_phantom(folder.path(), {"--kind", "mr"}).exit_code, 0);

  const std::filesystem::path set = folder.path() / "out/labelled";
  const nlohmann::json dataset = nlohmann::json::parse(test::file_text(set / "dataset.json"));
  EXPECT_EQ(dataset.at("channel_names").at("0"), "MRI");
  EXPECT_EQ(dataset.at("labels").size(), 4U);
  EXPECT_EQ(dataset.at("numTraining"), 4);
  const nlohmann::json splits = nlohmann::json::parse(test::file_text(set / "splits.json"));
  EXPECT_EQ(splits.at("train"), splits.at("few_shot").at("2"));
  EXPECT_EQ(splits.at("val").size(), 2U);
  const NiftiHeader image = read_nifti_header(set / "imagesTr/abdomen_002_0000.nii.gz");
  const NiftiHeader labels = read_nifti_header(set / "labelsTr/abdomen_002.nii.gz");
  EXPECT_EQ(geometry_difference(image.geometry, labels.geometry), "");
}

TEST(PhantomEndToEnd, OccupiedFolderIsRefusedAndLeftAlone) {
  const TemporaryFolder folder;
  write_atomically(folder.path() / "out" / "thesis.txt", std::string_view("years of work"));

  const test::ProcessResult plain = run_phantom(folder.path(), {});
  const test::ProcessResult forced = run_phantom(folder.path(), {"--overwrite"});

  EXPECT_EQ(plain.exit_code, 7);
  EXPECT_EQ(forced.exit_code, 7);
  EXPECT_THAT(forced.err, HasSubstr("is not a phantom"));
  EXPECT_EQ(test::file_text(folder.path() / "out" / "thesis.txt"), "years of work");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "out" / "archive"));
}

TEST(PhantomEndToEnd, FinishedPhantomIsReplacedOnlyOnRequest) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_phantom(folder.path(), {}).exit_code, 0);

  EXPECT_EQ(run_phantom(folder.path(), {"--seed", "5"}).exit_code, 7);
  EXPECT_EQ(run_phantom(folder.path(), {"--seed", "5", "--overwrite"}).exit_code, 0);

  EXPECT_THAT(test::file_text(folder.path() / "out/truth.json"), HasSubstr("\"seed\": 5"));
}

TEST(PhantomEndToEnd, StoppedRunSaysSoAndTheSameCommandEndsIt) {
  const TemporaryFolder folder;
  const std::vector<std::string> words = {
      "phantom", "out", "--patients", "6", "--labelled", "0", "--size", "64x56x48"};

  std::vector<std::string> program = {std::string(MARROW_BUILD_FOLDER) + "/marrow"};
  program.insert(program.end(), words.begin(), words.end());
  // Once it has begun, however long that takes on a busy machine.
  const int stopped =
      test::stop_process(program, folder.path(), folder.path() / "out/phantom.unfinished", SIGINT);
  const test::ProcessResult again = test::run_marrow(words, {folder.path(), "", -1});

  ASSERT_TRUE(WIFEXITED(stopped));
  EXPECT_EQ(WEXITSTATUS(stopped), 9);
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "out/truth.json"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "out/phantom.unfinished"));
}

TEST(PhantomEndToEnd, FullDiskIsOneSentenceWithTheBytesThatAreMissing) {
  const TemporaryFolder folder;
  const std::string program = std::string(MARROW_BUILD_FOLDER) + "/marrow";
  const std::string mount = "mount -t tmpfs -o size=200k none . 2>/dev/null";
  // A name space of its own, where a user may mount a small disk.
  if (test::run_process({"/usr/bin/unshare", "-rm", "/bin/sh", "-c", mount},
                        {folder.path(), "", -1})
          .exit_code != 0) {
    GTEST_SKIP() << "this system lets nobody mount a small tmpfs in a name space";
  }

  const test::ProcessResult result =
      test::run_process({"/usr/bin/unshare",
                         "-rm",
                         "/bin/sh",
                         "-c",
                         mount + " && cd \"$PWD\" && " + program + " phantom out --size 48x40x32"},
                        {folder.path(), "", -1});

  EXPECT_EQ(result.exit_code, 8) << result.err;
  EXPECT_THAT(result.err, HasSubstr("error: "));
  EXPECT_THAT(result.err, HasSubstr("free"));
}

TEST(PhantomCommand, WrongSizesAreUsageErrorsThatNameTheOption) {
  for (const char* size : {"24x20", "24x20x16x2", "axbxc", "24x20x-3", "4x20x16", "99999x20x16"}) {
    const TemporaryFolder folder;

    const test::ProcessResult result =
        test::run_marrow({"phantom", "out", "--size", size}, {folder.path(), "", -1});

    EXPECT_EQ(result.exit_code, 2) << size;
    EXPECT_THAT(result.err, HasSubstr("--size"));
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "out")) << size;
  }
}

TEST(PhantomCommand, JsonAnswerHasTheCounts) {
  const TemporaryFolder folder;

  const test::ProcessResult result = run_phantom(folder.path(), {"--json", "--progress", "none"});

  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json answer = nlohmann::json::parse(result.out);
  EXPECT_EQ(answer.at("patients"), 2);
  EXPECT_EQ(answer.at("labelled"), 4);
  EXPECT_EQ(answer.at("seed"), 17);
  EXPECT_EQ(result.err, "");
}

}  // namespace
}  // namespace marrow
