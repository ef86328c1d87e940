#include "io/scan/scan.h"

#include <csignal>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/explain.h"
#include "io/catalogue/series_json.h"
#include "io/dicom/dicom_writer.h"
#include "io/nifti/nifti.h"
#include "tests/support/dicom_series.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class ScannedArchive : public ::testing::Test {
 protected:
  ScannedArchive() { fs::create_directories(archive_); }

  static ScanOptions options(int threads = 1) {
    ScanOptions options;
    options.threads = threads;
    options.worker.executable = fs::path(MARROW_BUILD_FOLDER) / "marrow-worker";
    return options;
  }

  // Two CT series of one patient, a localizer, a copy, a damaged file, notes, a NIfTI file.
  void fill() {
    DicomSeriesAttributes attributes;
    attributes.patient_id = "Secret 01";
    attributes.patient_name = "SECRET^NAME";
    attributes.duplicated_slices = {1};
    write_dicom_series(archive_ / "s1", volume_, attributes);
    attributes.patient_id = "SECRET01 ";
    attributes.series_number = 2;
    attributes.duplicated_slices = {};
    attributes.dropped_slices = {3};
    write_dicom_series(archive_ / "s2", volume_, attributes);
    attributes.series_number = 3;
    attributes.dropped_slices = {};
    attributes.image_type = {"ORIGINAL", "PRIMARY", "LOCALIZER"};
    write_dicom_series(archive_ / "s3", volume_, attributes);
    const fs::path cut = archive_ / "s1" / "cut.dcm";
    fs::copy_file(archive_ / "s1" / "IM00000.dcm", cut);
    fs::resize_file(cut, 700);
    write_atomically(archive_ / "notes.txt", std::string("hello"));
    write_nifti(archive_ / "scan_0000.nii.gz", volume_);
  }

  ScanResult scan_archive(Catalogue& catalogue, int threads = 1) const {
    return scan(std::vector{archive_}, catalogue, options(threads));
  }

  static std::string dump(const Catalogue& catalogue) {
    std::string text;
    for (const SeriesRecord& record : catalogue.series()) {
      text += explanation_json(explain_series(catalogue, record)).dump() + "\n";
    }
    for (const Issue& issue : catalogue.issues()) {
      text += issue_json(issue).dump() + "\n";
    }
    return text;
  }

  TemporaryFolder folder_;
  fs::path archive_ = folder_.path() / "archive";
  fs::path file_ = folder_.path() / "work" / "catalogue.db";
  Volume volume_ = testing::ramp_volume(testing::oblique_grid());
};

TEST_F(ScannedArchive, CountsWhatItFoundAndWhy) {
  fill();
  Catalogue catalogue(file_, Catalogue::Mode::kWrite);

  const ScanResult result = scan_archive(catalogue);

  EXPECT_EQ(result.files, 7 + 5 + 6 + 3);
  EXPECT_EQ(result.opened, result.files);
  EXPECT_EQ(result.series, 4);
  EXPECT_EQ(result.patients, 2);  // the id's spelling does not count; the NIfTI file is another one
  EXPECT_EQ(result.by_verdict.at("use"), 2);
  EXPECT_EQ(result.by_verdict.at("refuse"), 2);
  EXPECT_EQ(result.by_reason.at("localizer"), 1);
  EXPECT_EQ(result.by_reason.at("missing-slices"), 1);
  EXPECT_EQ(result.by_reason.at("cut-short"), 1);
  EXPECT_EQ(result.by_reason.at("not-an-image"), 1);
  EXPECT_EQ(result.refused_files, 2);
  for (const SeriesRecord& record : catalogue.series()) {
    if (record.verdict == Verdict::kUse) {
      EXPECT_EQ(geometry_difference(*record.geometry, volume_.geometry), "");
      EXPECT_EQ(record.files.size(), record.format == "dicom" ? 6U : 1U);
    }
  }
}

TEST_F(ScannedArchive, WritesOneJsonLinePerIssue) {
  fill();
  Catalogue catalogue(file_, Catalogue::Mode::kWrite);
  const ScanResult result = scan_archive(catalogue);

  std::ifstream lines(result.issues);
  std::string line;
  std::map<std::string, int> codes;
  while (std::getline(lines, line)) {
    const nlohmann::json issue = nlohmann::json::parse(line);
    EXPECT_TRUE(issue.contains("path") && issue.contains("reason") && issue.contains("advice"));
    ++codes[issue.at("code").get<std::string>()];
  }

  EXPECT_EQ(codes,
            (std::map<std::string, int>{
                {"localizer", 1}, {"missing-slices", 1}, {"cut-short", 1}, {"not-an-image", 1}}));
}

TEST_F(ScannedArchive, KeepsNoIdentifierOfThePatient) {
  fill();
  {
    Catalogue catalogue(file_, Catalogue::Mode::kWrite);
    const ScanResult result = scan_archive(catalogue);
    EXPECT_THAT(read_text(result.issues), Not(HasSubstr("SECRET")));
  }

  const std::string bytes = read_text(file_);
  EXPECT_THAT(bytes, Not(HasSubstr("SECRET")));
  EXPECT_THAT(bytes, Not(HasSubstr("Secret")));
  EXPECT_THAT(bytes, Not(HasSubstr("2.25.")));
}

TEST_F(ScannedArchive, TheNumberOfThreadsChangesNothing) {
  fill();
  Catalogue one(file_, Catalogue::Mode::kWrite);
  fs::copy_file(file_, folder_.path() / "again.db");
  Catalogue four(folder_.path() / "again.db", Catalogue::Mode::kWrite);  // the same salt

  EXPECT_EQ(scan_archive(one, 1).opened, scan_archive(four, 4).opened);
  EXPECT_EQ(dump(four), dump(one));
}

TEST_F(ScannedArchive, OpensOnlyWhatChanged) {
  fill();
  Catalogue catalogue(file_, Catalogue::Mode::kWrite);
  scan_archive(catalogue);
  const std::string before = dump(catalogue);

  const ScanResult unchanged = scan_archive(catalogue);
  fs::remove(archive_ / "s1" / "IM00006.dcm");  // the copy
  DicomSeriesAttributes attributes;
  attributes.patient_id = "Secret 01";
  attributes.series_number = 9;
  write_dicom_series(archive_ / "s9", volume_, attributes);
  const ScanResult changed = scan_archive(catalogue);

  EXPECT_EQ(unchanged.opened, 0);
  EXPECT_EQ(unchanged.unchanged, 21);
  EXPECT_EQ(changed.opened, 6 + 1);  // and the damaged file beside the one that went
  EXPECT_EQ(changed.removed, 1);
  EXPECT_EQ(changed.series, 5);
  EXPECT_NE(dump(catalogue), before);
}

TEST_F(ScannedArchive, KeepsWhatOtherArchivesBroughtIn) {
  fill();
  const fs::path other = folder_.path() / "other";
  DicomSeriesAttributes attributes;
  attributes.series_number = 7;
  write_dicom_series(other, volume_, attributes);
  Catalogue catalogue(file_, Catalogue::Mode::kWrite);
  scan_archive(catalogue);
  const std::vector<SeriesRecord> first = catalogue.series();

  const ScanResult second = scan(std::vector{other}, catalogue, options());

  EXPECT_EQ(second.files, 6);
  EXPECT_EQ(second.series, 5);
  std::set<std::string> keys;
  for (const SeriesRecord& record : catalogue.series()) {
    keys.insert(record.key);
  }
  for (const SeriesRecord& record : first) {
    EXPECT_TRUE(keys.contains(record.key)) << record.format;
  }
}

TEST_F(ScannedArchive, LinksPipesAndOddNamesAreIssuesOrRead) {
  fs::create_directory_symlink(archive_, archive_ / "loop");
  ASSERT_EQ(::mkfifo((archive_ / "pipe").c_str(), 0600), 0);
  write_nifti(archive_ / "odd\xFF name.nii", volume_);
  Catalogue catalogue(file_, Catalogue::Mode::kWrite);

  const ScanResult result = scan_archive(catalogue);

  EXPECT_EQ(result.files, 1);
  EXPECT_EQ(result.by_reason,
            (std::map<std::string, std::int64_t>{{"not-a-file", 1}, {"symlink", 1}}));
  EXPECT_EQ(catalogue.series().at(0).files.at(0).filename().native(), "odd\xFF name.nii");
  EXPECT_THAT(dump(catalogue), HasSubstr("odd\\\\xff name.nii"));
}

TEST_F(ScannedArchive, SaysWhichArchiveIsMissing) {
  Catalogue catalogue(file_, Catalogue::Mode::kWrite);
  try {
    scan(std::vector{folder_.path() / "nowhere"}, catalogue, options());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNothingFound);
    EXPECT_THAT(error.what(), HasSubstr("nowhere"));
  }
}

TEST_F(ScannedArchive, AKilledScanLeavesAStateFromWhichTheNextOneEndsTheSame) {
  fill();
  for (int n = 10; n < 40; ++n) {
    DicomSeriesAttributes attributes;
    attributes.series_number = n;
    write_dicom_series(archive_ / std::to_string(n), volume_, attributes);
  }
  { const Catalogue made(file_, Catalogue::Mode::kWrite); }
  fs::copy_file(file_, folder_.path() / "undisturbed.db");
  Catalogue undisturbed(folder_.path() / "undisturbed.db", Catalogue::Mode::kWrite);
  scan_archive(undisturbed);

  for (const int milliseconds : {3, 20, 45, 70, 110}) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        Catalogue catalogue(file_, Catalogue::Mode::kWrite);
        scan(std::vector{archive_}, catalogue, options());
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const Catalogue left(file_);
    EXPECT_TRUE(left.series().empty() || left.series().size() == undisturbed.series().size());
  }
  Catalogue catalogue(file_, Catalogue::Mode::kWrite);
  scan_archive(catalogue);

  EXPECT_EQ(dump(catalogue), dump(undisturbed));
}

TEST_F(ScannedArchive, ExplainsAGapWithItsPlaceAndTolerance) {
  fill();
  Catalogue catalogue(file_, Catalogue::Mode::kWrite);
  scan_archive(catalogue);

  const std::vector<SeriesRecord> refused = catalogue.select("reason_code = 'missing-slices'");
  ASSERT_EQ(refused.size(), 1U);
  const SeriesExplanation explanation = explain_series(catalogue, refused[0]);

  ASSERT_EQ(explanation.gaps.size(), 1U);
  EXPECT_THAT(explanation.gaps[0], HasSubstr("5.00 mm after"));
  EXPECT_THAT(explanation_text(explanation), HasSubstr("missing-slices"));
  EXPECT_THAT(explanation_text(explanation), HasSubstr("broken: steps within"));
  EXPECT_EQ(explanation_json(explanation).at("positions_mm").size(), 5U);
}

TEST(ScanPatients, NiftiFilesOfOnePatientStayTogether) {
  const TemporaryFolder folder;
  const Volume volume = testing::ramp_volume(testing::oblique_grid());
  for (const char* const file : {"a/t1.nii",
                                 "a/t2.nii",
                                 "b/t1.nii",
                                 "b/t2.nii",
                                 "bids/sub-7/anat/sub-7_T1w.nii",
                                 "bids/sub-7/anat/sub-7_T2w.nii",
                                 "c/case_001_0000.nii",
                                 "c/case_001_0001.nii"}) {
    fs::create_directories((folder.path() / "archive" / file).parent_path());
    write_nifti(folder.path() / "archive" / file, volume);
  }
  Catalogue catalogue(folder.path() / "catalogue.db", Catalogue::Mode::kWrite);
  ScanOptions options;
  options.worker.executable = fs::path(MARROW_BUILD_FOLDER) / "marrow-worker";

  const ScanResult result = scan(std::vector{folder.path() / "archive"}, catalogue, options);

  EXPECT_EQ(result.series, 8);
  EXPECT_EQ(result.patients, 4);
}

TEST(ScanData, AMixedFolderGivesTwoSeriesAndAReasonForEverythingElse) {
  const fs::path data = fs::path(MARROW_SHARED_DATA) / "dicom_mixed" / "dicom";
  if (!fs::exists(data)) {
    GTEST_SKIP() << data << " is not there";
  }
  const TemporaryFolder folder;
  Catalogue catalogue(folder.path() / "catalogue.db", Catalogue::Mode::kWrite);
  ScanOptions options;
  options.worker.executable = fs::path(MARROW_BUILD_FOLDER) / "marrow-worker";

  const ScanResult result = scan(std::vector{data}, catalogue, options);

  EXPECT_EQ(result.by_verdict.at("use"), 2);
  for (const SeriesRecord& record : catalogue.select("kept")) {
    EXPECT_EQ(record.files.size(), 24U);
    EXPECT_EQ(record.facts.at("duplicates"), "2");
  }
  for (const Issue& issue : catalogue.issues()) {
    EXPECT_FALSE(issue.reason_code.empty());
  }
  EXPECT_EQ(catalogue.select("not kept").size() + static_cast<std::size_t>(result.refused_files),
            catalogue.issues().size());
}

}  // namespace

}  // namespace marrow
