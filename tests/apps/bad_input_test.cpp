// What damaged, foreign and hostile files do to the program: one sentence, the right exit code,
// nothing lost.
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/volume.h"
#include "io/nifti/nifti.h"
#include "tests/support/process.h"

namespace marrow {
namespace {

using ::testing::HasSubstr;

Volume ramp() {
  Eigen::Matrix3d quarter_turn;
  quarter_turn << 0, -1, 0, 1, 0, 0, 0, 0, 1;
  Volume volume =
      make_grid<float>(make_geometry({9, 7, 5}, {0.5, 2.0, 3.0}, {10, 20, 30}, quarter_turn));
  for (std::size_t n = 0; n < volume.voxels.size(); ++n) {
    volume.voxels[n] = static_cast<float>(n % 91);
  }
  return volume;
}

template <class T>
void patch_file(const std::filesystem::path& file, std::streamoff offset, T value) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(offset);
  stream.write(reinterpret_cast<const char*>(&value), sizeof value);
}

class BadInputEndToEnd : public ::testing::Test {
 protected:
  BadInputEndToEnd() { std::filesystem::create_directory(archive()); }

  [[nodiscard]] std::filesystem::path archive() const { return folder_.path() / "archive"; }

  [[nodiscard]] std::filesystem::path image(const std::string& name) const {
    write_nifti(archive() / name, ramp());
    return archive() / name;
  }

  [[nodiscard]] test::ProcessResult scan() const {
    return test::run_marrow({"scan", "archive", "--json"}, {folder_.path(), "", -1});
  }

  // File name -> reason code.
  [[nodiscard]] std::map<std::string, std::string> issues() const {
    std::map<std::string, std::string> found;
    std::ifstream stream(folder_.path() / "work/issues.jsonl");
    for (std::string line; std::getline(stream, line);) {
      const nlohmann::json issue = nlohmann::json::parse(line);
      EXPECT_NE(issue.at("reason"), "");
      found[std::filesystem::path(issue.at("path").get<std::string>()).filename()] =
          issue.at("code");
    }
    return found;
  }

  TemporaryFolder folder_;
};

TEST_F(BadInputEndToEnd, EachBadFileIsRefusedByNameAndTheGoodOneIsUsed) {
  (void)image("good.nii.gz");
  write_atomically(archive() / "empty.nii", std::string_view{});
  write_atomically(archive() / "letter.txt", std::string_view("Dear colleague,\n"));
  std::filesystem::resize_file(image("cut.nii"), 700);
  const std::filesystem::path zipped = image("cut.nii.gz");
  std::filesystem::resize_file(zipped, std::filesystem::file_size(zipped) / 2);
  const std::filesystem::path absurd = image("absurd.nii");
  for (const std::streamoff axis : {42, 44, 46}) {
    patch_file<std::int16_t>(absurd, axis, 32767);
  }
  patch_file<float>(image("nan.nii"), 280, std::nanf(""));

  const test::ProcessResult result = scan();

  EXPECT_EQ(result.exit_code, 6) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out).at("verdicts").at("use"), 1);
  const std::map<std::string, std::string> found = issues();
  for (const char* name :
       {"empty.nii", "letter.txt", "cut.nii", "cut.nii.gz", "absurd.nii", "nan.nii"}) {
    EXPECT_TRUE(found.contains(name)) << name;
  }
  EXPECT_FALSE(found.contains("good.nii.gz"));
}

TEST_F(BadInputEndToEnd, ArchiveWithoutAnyUsableFileIsNothingFound) {
  write_atomically(archive() / "letter.txt", std::string_view("Dear colleague,\n"));

  const test::ProcessResult result = scan();

  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("issues.jsonl"));
}

TEST_F(BadInputEndToEnd, MissingArchiveIsNamedAndNothingIsWritten) {
  const test::ProcessResult result = test::run_marrow({"scan", "archve"}, {folder_.path(), "", -1});

  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("archve"));
  EXPECT_EQ(test::count_lines(result.err, "error: "), 1U);
}

TEST_F(BadInputEndToEnd, FileWithoutReadPermissionIsAnIssue) {
  if (geteuid() == 0) {
    GTEST_SKIP() << "root may read everything";
  }
  (void)image("good.nii.gz");
  std::filesystem::permissions(image("locked.nii.gz"), std::filesystem::perms::none);

  const test::ProcessResult result = scan();

  EXPECT_EQ(result.exit_code, 6);
  EXPECT_TRUE(issues().contains("locked.nii.gz"));
}

TEST_F(BadInputEndToEnd, LabelsOnAnotherGridThanTheirImageAreRefusedByPrepare) {
  const std::filesystem::path set = folder_.path() / "set";
  const Volume good = ramp();
  for (const char* name : {"case_001", "case_002"}) {
    write_nifti(set / "imagesTr" / (std::string(name) + "_0000.nii.gz"), good);
    LabelMap labels = make_grid<std::uint16_t>(good.geometry);
    labels.voxels[40] = 1;
    if (std::string(name) == "case_002") {
      labels.geometry.origin[0] += 5;
    }
    write_nifti(set / "labelsTr" / (std::string(name) + ".nii.gz"), labels);
  }
  write_atomically(
      set / "dataset.json",
      std::string_view(R"({"channel_names": {"0": "MRI"}, "labels": {"background": 0, "spot": 1},
                                        "numTraining": 2, "file_ending": ".nii.gz"})"));

  const test::ProcessResult result =
      test::run_marrow({"prepare", "--config", "prepare/mr.yaml", "--data", "set", "--json"},
                       {folder_.path(), "", -1});

  EXPECT_EQ(result.exit_code, 6) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out).at("volumes"), 1);
  EXPECT_THAT(test::file_text(folder_.path() / "work/prepare_issues.jsonl"), HasSubstr("case_002"));
}

TEST_F(BadInputEndToEnd, CatalogueThatIsNoCatalogueIsUnreadableAndKept) {
  write_atomically(folder_.path() / "work/catalogue.db",
                   std::string_view("not a data base, but long enough to be read"));

  const test::ProcessResult result = test::run_marrow({"list"}, {folder_.path(), "", -1});

  EXPECT_EQ(result.exit_code, 4) << result.err;
  EXPECT_THAT(result.err, HasSubstr("catalogue.db"));
  EXPECT_THAT(test::file_text(folder_.path() / "work/catalogue.db"), HasSubstr("not a data base"));
}

}  // namespace
}  // namespace marrow
