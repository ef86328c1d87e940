// scan, list, explain, convert, split and prepare on one small phantom.
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "io/nifti/nifti.h"
#include "tests/support/process.h"

namespace marrow {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class ArchiveEndToEnd : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    ASSERT_EQ(run({"phantom", "demo", "--patients", "5", "--labelled", "4", "--size", "24x20x16"})
                  .exit_code,
              0);
    scan_ = run({"scan", "demo/archive", "--json"});
    truth_ = nlohmann::json::parse(test::file_text(folder_->path() / "demo/truth.json"));
  }

  static void TearDownTestSuite() { folder_.reset(); }

  static test::ProcessResult run(std::vector<std::string> words) {
    return test::run_marrow(std::move(words), {folder_->path(), "", -1});
  }

  static nlohmann::json listed(const std::string& where) {
    return nlohmann::json::parse(run({"list", "--json", "--where", where}).out).at("series");
  }

  static inline std::unique_ptr<TemporaryFolder> folder_;
  static inline test::ProcessResult scan_;
  static inline nlohmann::json truth_;
};

TEST_F(ArchiveEndToEnd, ScanFindsExactlyWhatWasPlanted) {
  ASSERT_EQ(scan_.exit_code, 6) << scan_.err;
  const nlohmann::json answer = nlohmann::json::parse(scan_.out);

  EXPECT_EQ(answer.at("files"), truth_.at("files"));
  EXPECT_EQ(answer.at("patients"), truth_.at("patients"));
  EXPECT_EQ(answer.at("verdicts").at("use"), truth_.at("expected").at("use"));
  EXPECT_EQ(answer.at("verdicts").at("refuse"), truth_.at("expected").at("refused_series").size());
  EXPECT_EQ(answer.at("refused_files"), truth_.at("expected").at("refused_files").size());
  for (const nlohmann::json& series : truth_.at("expected").at("refused_series")) {
    EXPECT_EQ(answer.at("reasons").at(series.at("reason").get<std::string>()), 1);
  }
  for (const char* key : {"seconds", "peak_rss_mb", "catalogue", "series", "refused"}) {
    EXPECT_TRUE(answer.contains(key)) << key;
  }
}

TEST_F(ArchiveEndToEnd, OtherListsSubsetsAndReportsAreTablesToAskFor) {
  const std::string work = "lists";
  const auto answer = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--work", work, "--json"});
    const test::ProcessResult result = run(std::move(words));
    EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 6) << result.err;
    return nlohmann::json::parse(result.out);
  };
  const nlohmann::json scanned = answer({"scan", "demo/archive", "--reports", "demo/reports.csv"});
  EXPECT_EQ(scanned.at("reports_linked"), scanned.at("reports"));
  EXPECT_GT(scanned.at("reports"), 0);

  const nlohmann::json studies = answer({"list", "--of", "studies", "--where", "reports=1"});
  EXPECT_EQ(studies.at("studies").size(), scanned.at("reports"));
  const nlohmann::json saved = answer({"list", "--where", "verdict='use'", "--save", "all"});
  EXPECT_EQ(saved.at("series"), scanned.at("verdicts").at("use"));
  const nlohmann::json subsets = answer({"list", "--subsets"}).at("subsets");
  EXPECT_EQ(subsets.at(0).at("state"), "as saved");
  EXPECT_EQ(subsets.at(0).at("sha256"), saved.at("sha256"));
  EXPECT_EQ(answer({"list", "--subset", "all"}).at("series").size(), saved.at("series"));
  EXPECT_EQ(run({"list", "--save", "all", "--work", work}).exit_code, 7);
}

TEST_F(ArchiveEndToEnd, FingerprintHasTheKeysOfNnunet) {
  const test::ProcessResult result = run({"fingerprint", "--where", "modality='CT'", "--json"});

  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json answer = nlohmann::json::parse(result.out);
  EXPECT_EQ(answer.at("cases"), truth_.at("expected").at("use"));
  const nlohmann::json file =
      nlohmann::json::parse(test::file_text(folder_->path() / "work/dataset_fingerprint.json"));
  EXPECT_EQ(file.at("spacings").size(), answer.at("cases"));
  const nlohmann::json& channel = file.at("foreground_intensity_properties_per_channel").at("0");
  EXPECT_LT(channel.at("percentile_00_5"), channel.at("median"));
  EXPECT_LT(channel.at("median"), channel.at("percentile_99_5"));
}

TEST_F(ArchiveEndToEnd, EveryRefusedFileIsInTheListOfIssuesWithAReason) {
  std::ifstream stream(folder_->path() / "work/issues.jsonl");
  std::vector<std::string> paths;
  for (std::string line; std::getline(stream, line);) {
    const nlohmann::json issue = nlohmann::json::parse(line);
    EXPECT_NE(issue.at("code"), "");
    EXPECT_NE(issue.at("reason"), "");
    EXPECT_TRUE(issue.contains("advice"));
    paths.push_back(issue.at("path"));
  }

  for (const nlohmann::json& file : truth_.at("expected").at("refused_files")) {
    EXPECT_THAT(paths, ::testing::Contains(::testing::EndsWith(file.get<std::string>())));
  }
}

TEST_F(ArchiveEndToEnd, CatalogueHoldsNoNameNumberOrBirthDate) {
  const std::string catalogue = test::file_text(folder_->path() / "work/catalogue.db");
  const std::string issues = test::file_text(folder_->path() / "work/issues.jsonl");
  const std::string list = run({"list", "--json"}).out;

  for (const std::string& text : {catalogue, issues, list, scan_.out, scan_.err}) {
    EXPECT_THAT(text, ::testing::Not(HasSubstr("PH17-")));
    EXPECT_THAT(text, ::testing::Not(HasSubstr("ALMASY")));
    EXPECT_THAT(text, ::testing::Not(HasSubstr("BRANDVIK")));
    EXPECT_THAT(text, ::testing::Not(HasSubstr("CALLOWAY")));
    EXPECT_THAT(text, ::testing::Not(HasSubstr("HOLLOWAY")));
  }
}

TEST_F(ArchiveEndToEnd, SecondScanOpensNothing) {
  const nlohmann::json answer = nlohmann::json::parse(run({"scan", "demo/archive", "--json"}).out);

  EXPECT_EQ(answer.at("opened"), 0);
  EXPECT_EQ(answer.at("unchanged"), truth_.at("files"));
}

TEST_F(ArchiveEndToEnd, ListAnswersAQueryWithAllKeys) {
  const nlohmann::json series = listed("verdict = 'use' and slices > 5");

  ASSERT_EQ(series.size(), truth_.at("expected").at("use").get<std::size_t>());
  for (const char* key : {"key",
                          "patient",
                          "study",
                          "modality",
                          "size",
                          "spacing_mm",
                          "origin_mm",
                          "direction",
                          "volumes",
                          "files",
                          "verdict",
                          "reason",
                          "split",
                          "kept",
                          "dropped_because"}) {
    EXPECT_TRUE(series[0].contains(key)) << key;
  }
  EXPECT_EQ(series[0].at("direction").size(), 9U);
}

TEST_F(ArchiveEndToEnd, ListPrintsATableAndACsv) {
  const test::ProcessResult table = run({"list"});
  const test::ProcessResult csv = run({"list", "--format", "csv"});

  EXPECT_THAT(table.out, HasSubstr("localizer"));
  EXPECT_THAT(csv.out, ::testing::StartsWith("key,patient,study,modality"));
  EXPECT_EQ(test::count_lines(csv.out, ""), listed("1 = 1").size() + 1);
}

TEST_F(ArchiveEndToEnd, MistypedColumnIsAUsageErrorWithTheNearestOne) {
  const test::ProcessResult result = run({"list", "--where", "modalty='CT'"});

  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("modality"));
}

TEST_F(ArchiveEndToEnd, ExplainSaysWhatIsWrongWithTheSeriesThatLacksASlice) {
  const std::string key = listed("reason_code = 'missing-slices'")[0].at("key");

  const test::ProcessResult result = run({"explain", key.substr(0, 8)});

  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("missing"));
}

TEST_F(ArchiveEndToEnd, ExplainDrawsAUsedSeriesFoundByItsFolder) {
  const test::ProcessResult result =
      run({"explain", (folder_->path() / "demo/archive/P0001/ST1/SE1").string()});

  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("axial, coronal and sagittal"));
  EXPECT_THAT(result.out, HasSubstr("@"));
}

TEST_F(ArchiveEndToEnd, ConvertWritesOneNiftiPerSeriesOnTheSameGridAndKeepsWhatIsThere) {
  const std::vector<std::string> words = {"convert", "demo/archive/P0001", "-o", "nifti", "--json"};

  const test::ProcessResult first = run(words);
  const test::ProcessResult second = run(words);

  ASSERT_EQ(first.exit_code, 6) << first.err;
  const nlohmann::json answer = nlohmann::json::parse(first.out);
  ASSERT_GE(answer.at("outputs").size(), 1U);
  ASSERT_GE(answer.at("refused").size(), 1U);
  for (const nlohmann::json& refused : answer.at("refused")) {
    EXPECT_FALSE(refused.at("reason").get<std::string>().empty());
  }
  const nlohmann::json& output = answer.at("outputs")[0];
  const NiftiHeader header =
      read_nifti_header(folder_->path() / output.at("path").get<std::string>());
  const nlohmann::json series = listed("key = '" + output.at("key").get<std::string>() + "'")[0];
  EXPECT_EQ(nlohmann::json(header.geometry.size), series.at("size"));
  EXPECT_NEAR(header.geometry.origin[2], series.at("origin_mm")[2].get<double>(), 1e-3);
  EXPECT_EQ(second.exit_code, 7);
  EXPECT_THAT(second.err, HasSubstr("--overwrite"));
}

TEST_F(ArchiveEndToEnd, ConvertLeavesTheArchiveAndItsCatalogueAlone) {
  const std::string before = run({"list", "--json"}).out;
  std::filesystem::create_directories(folder_->path() / "other");
  std::filesystem::copy(folder_->path() / "demo/archive/P0001",
                        folder_->path() / "other/P0001",
                        std::filesystem::copy_options::recursive);

  const test::ProcessResult converted = run({"convert", "other", "-o", "elsewhere", "--json"});
  const test::ProcessResult inside = run({"convert", "other", "-o", "other/nifti"});
  const test::ProcessResult scanned = run({"scan", "other", "--work", "other/work"});

  EXPECT_EQ(converted.exit_code, 6) << converted.err;
  std::set<std::string> sentences;
  for (const nlohmann::json& refused : nlohmann::json::parse(converted.out).at("refused")) {
    EXPECT_TRUE(sentences.insert(refused.at("reason").get<std::string>()).second) << refused;
  }
  EXPECT_EQ(run({"list", "--json"}).out, before) << "what is converted is not learned from";
  EXPECT_EQ(inside.exit_code, 2);
  EXPECT_THAT(inside.err, HasSubstr("outside of the inputs"));
  EXPECT_EQ(scanned.exit_code, 2);
  EXPECT_THAT(scanned.err, HasSubstr("outside of the archive"));
  EXPECT_FALSE(std::filesystem::exists(folder_->path() / "other/work"));
}

TEST_F(ArchiveEndToEnd, ExplainKnowsRefusedFilesAndCopies) {
  const nlohmann::json issues =
      nlohmann::json::parse(run({"list", "--of", "issues", "--json", "--where", "series=''"}).out)
          .at("issues");
  ASSERT_GE(issues.size(), 1U);
  std::filesystem::path original;
  std::filesystem::create_directories(folder_->path() / "copies");
  for (const auto& file :
       std::filesystem::directory_iterator(folder_->path() / "demo/archive/P0001/ST1/SE1")) {
    original = file.path();
    std::filesystem::copy_file(original, folder_->path() / "copies" / original.filename());
  }
  std::filesystem::copy_file(original, folder_->path() / "copies/zz_copy.dcm");
  ASSERT_EQ(run({"scan", "copies", "--work", "copies_work"}).exit_code, 0);

  const test::ProcessResult refused = run({"explain", issues[0].at("path").get<std::string>()});
  const test::ProcessResult copy =
      run({"explain", "copies/zz_copy.dcm", "--no-picture", "--work", "copies_work"});

  EXPECT_EQ(refused.exit_code, 0) << refused.err;
  EXPECT_THAT(refused.out, HasSubstr(issues[0].at("reason_code").get<std::string>()));
  EXPECT_EQ(copy.exit_code, 0) << copy.err;
  EXPECT_THAT(copy.out, HasSubstr("it was left out"));
}

// Volume files of a folder belong to the patient that their name begins with.
TEST_F(ArchiveEndToEnd, SplitTakesPatientsWithOneScanForOne) {
  Volume volume = make_grid<float>(
      make_geometry({20, 20, 20}, {1, 1, 1}, {0, 0, 0}, Eigen::Matrix3d::Identity()), 1.0F);
  for (int patient = 0; patient < 6; ++patient) {
    volume.voxels[7] = static_cast<float>(patient / 2);  // two and two have the same scan
    write_nifti(folder_->path() / fmt::format("twins/p{}/scan_{}.nii", patient, patient), volume);
  }
  ASSERT_EQ(run({"scan", "twins", "--work", "twins_work"}).exit_code, 0);

  const test::ProcessResult drawn =
      run({"split", "--fractions", "0.4,0.3,0.3", "--work", "twins_work", "--json"});
  const auto series = nlohmann::json::parse(run({"list", "--json", "--work", "twins_work"}).out);
  std::string by_hand = "patient,split\n";
  for (std::size_t n = 0; n < 6; ++n) {
    by_hand += series.at("series")[n].at("patient").get<std::string>() +
               (n % 2 == 0 ? ",train\n" : ",test\n");
  }
  std::ofstream(folder_->path() / "twins.csv") << by_hand;

  ASSERT_EQ(drawn.exit_code, 0) << drawn.err;
  const auto answer = nlohmann::json::parse(drawn.out);
  EXPECT_EQ(answer.at("patients_sharing_scans"), 6);
  for (const auto& [part, count] : answer.at("patients").items()) {
    EXPECT_EQ(count.get<int>() % 2, 0) << part;
  }
  EXPECT_EQ(run({"split", "--from", "twins.csv", "--overwrite", "--work", "twins_work"}).exit_code,
            7);
}

TEST_F(ArchiveEndToEnd, SplitKeepsPatientsTogetherAndRefusesToChangeQuietly) {
  const test::ProcessResult first = run({"split", "--fractions", "0.6,0.2,0.2", "--json"});
  const test::ProcessResult same = run({"split", "--fractions", "0.6,0.2,0.2"});
  const test::ProcessResult other = run({"split", "--fractions", "0.2,0.4,0.4"});

  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(nlohmann::json::parse(first.out).at("patients").at("train"), 3);
  EXPECT_EQ(same.exit_code, 0) << same.err;
  EXPECT_EQ(other.exit_code, 7);
  EXPECT_THAT(other.err, HasSubstr("--overwrite"));
}

TEST_F(ArchiveEndToEnd, SplitTakesAListMadeByHandAndRefusesALeak) {
  const nlohmann::json series = listed("kept");
  const std::string patient = series[0].at("patient").get<std::string>();
  const std::filesystem::path file = folder_->path() / "parts.csv";
  const auto split = [&](const std::string& text) {
    write_atomically(file, text);
    return run({"split", "--from", file.string(), "--overwrite", "--json"});
  };
  const std::string key = series[0].at("key").get<std::string>();

  const test::ProcessResult leak =
      split("patient,key,split\n" + patient + ",,train\n" + patient + "," + key + ",test\n");
  const test::ProcessResult unknown = split("key,split\n" + key + ",train\nbadc0ffee,test\n");
  const test::ProcessResult by_hand = split("key,split\n" + key + ",validation\n");

  EXPECT_EQ(leak.exit_code, 7);
  EXPECT_THAT(leak.err, HasSubstr(patient));
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("badc0ffee"));
  ASSERT_EQ(by_hand.exit_code, 0) << by_hand.err;
  EXPECT_EQ(nlohmann::json::parse(by_hand.out).at("patients").at("validation"), 1);
  for (const nlohmann::json& record : listed("split = 'validation'")) {
    EXPECT_EQ(record.at("patient"), patient);
  }
  // A list that was printed is one that can be read.
  write_atomically(file, run({"list", "--format", "csv"}).out);
  EXPECT_EQ(run({"split", "--from", file.string()}).exit_code, 0);
  ASSERT_EQ(run({"split", "--fractions", "0.6,0.2,0.2", "--overwrite"}).exit_code, 0);
}

TEST_F(ArchiveEndToEnd, PrepareFillsTheStoreAndRefusesAnotherRecipe) {
  const test::ProcessResult first = run({"prepare", "--config", "prepare/ct.yaml", "--json"});
  const test::ProcessResult other =
      run({"prepare", "--config", "prepare/ct.yaml", "prepare.window_hu=[-1000,400]"});
  const test::ProcessResult forced = run(
      {"prepare", "--config", "prepare/ct.yaml", "prepare.window_hu=[-1000,400]", "--overwrite"});

  ASSERT_EQ(first.exit_code, 0) << first.err;
  const nlohmann::json answer = nlohmann::json::parse(first.out);
  EXPECT_EQ(answer.at("volumes"), truth_.at("expected").at("use"));
  for (const char* key : {"bytes_in", "bytes_store", "seconds"}) {
    EXPECT_TRUE(answer.contains(key)) << key;
  }
  EXPECT_EQ(other.exit_code, 7);
  EXPECT_THAT(other.err, HasSubstr("window_hu"));
  EXPECT_EQ(forced.exit_code, 0) << forced.err;
}

TEST_F(ArchiveEndToEnd, PrepareLeavesCountsInWhichNothingGetsLost) {
  run({"prepare", "--config", "prepare/ct.yaml"});
  const nlohmann::json steps =
      nlohmann::json::parse(test::file_text(folder_->path() / "work/store/flow.json")).at("steps");

  const nlohmann::json& expected = truth_.at("expected");
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps[0].at("label"), "files found");
  EXPECT_EQ(steps[0].at("count"), truth_.at("files"));
  std::size_t refused_files = 0;
  for (const nlohmann::json& loss : steps[0].at("losses")) {
    refused_files += loss.at("count").get<std::size_t>();
  }
  EXPECT_EQ(refused_files, expected.at("refused_files").size());
  EXPECT_EQ(steps[1].at("losses").size(), expected.at("refused_series").size());
  EXPECT_EQ(steps[1].at("count"),
            expected.at("use").get<std::size_t>() + expected.at("refused_series").size());
  EXPECT_EQ(steps[2].at("count"), expected.at("use"));
  EXPECT_EQ(steps[3].at("count"), expected.at("use"));
}

TEST_F(ArchiveEndToEnd, PrepareTakesALabelledDataSet) {
  const test::ProcessResult result = run({"prepare",
                                          "--config",
                                          "prepare/ct.yaml",
                                          "--data",
                                          "demo/labelled",
                                          "--work",
                                          "other",
                                          "--json"});

  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out).at("volumes"), 4);
}

TEST_F(ArchiveEndToEnd, ConfigTypoNamesTheNearestKeyBeforeAnythingIsRead) {
  const test::ProcessResult result =
      run({"prepare", "--config", "prepare/ct.yaml", "prepare.windw_hu=[0,80]"});
  const test::ProcessResult preset = run({"prepare", "--config", "prepare/ctt.yaml"});

  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("window_hu"));
  EXPECT_EQ(preset.exit_code, 2);
  EXPECT_THAT(preset.err, HasSubstr("ctt.yaml"));
}

TEST_F(ArchiveEndToEnd, CommandsWithoutACatalogueSayHowToMakeOne) {
  for (const char* command : {"list", "split", "prepare"}) {
    const test::ProcessResult result = run({command, "--work", "nowhere"});

    EXPECT_EQ(result.exit_code, 3) << command;
    EXPECT_THAT(result.err, HasSubstr("marrow scan"));
    EXPECT_FALSE(std::filesystem::exists(folder_->path() / "nowhere")) << command;
  }
}

}  // namespace
}  // namespace marrow
