// The lists, subsets and reports of a catalogue made by a real scan.
#include <algorithm>
#include <map>

#include <gmock/gmock.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/report_texts.h"
#include "io/catalogue/select.h"
#include "io/catalogue/subset_file.h"
#include "io/dicom/dicom_writer.h"
#include "io/nifti/nifti.h"
#include "io/scan/scan.h"
#include "tests/support/dicom_series.h"
#include "tests/support/nifti_bytes.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ScannedLists : public ::testing::Test {
 protected:
  // Two studies of one patient with two series and one, a 4D NIfTI file, and notes.
  ScannedLists() {
    DicomSeriesAttributes attributes;
    attributes.study_uid = "2.25.11";
    write_dicom_series(archive_ / "a", volume_, attributes);
    attributes.series_number = 2;
    attributes.dropped_slices = {3};
    write_dicom_series(archive_ / "b", volume_, attributes);
    attributes = {};
    attributes.study_uid = "2.25.22";
    attributes.series_number = 3;
    attributes.modality = Modality::kMr;
    write_dicom_series(archive_ / "c", volume_, attributes);
    testing::write_file(archive_ / "four.nii",
                        testing::NiftiBytesBuilder()
                            .dims({4, 4, 3, 2, 5, 1, 1, 1})
                            .type(512, 16)
                            .voxels(std::vector<std::uint16_t>(4 * 3 * 2 * 5, 1))
                            .file());
    write_atomically(archive_ / "notes.txt", std::string("hello"));
    rescan();
  }

  void rescan() {
    ScanOptions options;
    options.threads = 1;
    options.worker.executable = fs::path(MARROW_BUILD_FOLDER) / "marrow-worker";
    scan(std::vector{archive_}, catalogue_, options);
  }

  std::vector<std::vector<Cell>> rows(const std::string& of,
                                      const std::vector<std::string>& columns,
                                      const std::string& where = "") const {
    return select_rows(catalogue_.file(), catalogue_view(of), columns, where);
  }

  std::string refusal(const std::string& of, const std::string& where) const {
    return testing::error_of(ErrorCode::kInvalidArgument,
                             [&] { static_cast<void>(rows(of, {"patient"}, where)); });
  }

  TemporaryFolder folder_;
  fs::path archive_ = folder_.path() / "archive";
  Volume volume_ = testing::ramp_volume(testing::oblique_grid());
  Catalogue catalogue_{folder_.path() / "work" / "catalogue.db", Catalogue::Mode::kWrite};
};

TEST_F(ScannedLists, StudiesCountTheirSeries) {
  const auto studies =
      rows("studies", {"study", "modalities", "series", "kept", "files"}, "modalities <> ''");

  ASSERT_EQ(studies.size(), 2U);
  std::vector<std::vector<Cell>> expected{
      {keyed_digest(catalogue_.salt(), "2.25.11"), "CT", 2, 1, 11},
      {keyed_digest(catalogue_.salt(), "2.25.22"), "MR", 1, 1, 6}};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(studies, expected);
}

TEST_F(ScannedLists, VolumesAreOneRowEach) {
  const auto numbers = rows("volumes", {"volume"}, "format = 'nifti'");

  EXPECT_EQ(numbers, (std::vector<std::vector<Cell>>{{0}, {1}, {2}, {3}, {4}}));
  EXPECT_EQ(rows("volumes", {"key"}, "format = 'dicom'").size(), 2U);  // not the refused one
}

TEST_F(ScannedLists, IssuesCanBeAskedFor) {
  const auto issues = rows("issues", {"reason_code", "kind"}, "path like '%notes.txt'");

  EXPECT_EQ(issues, (std::vector<std::vector<Cell>>{{"not-an-image", "unsupported"}}));
}

TEST_F(ScannedLists, IssuesAreOfTheKindThatIssueFilesName) {
  std::vector<Issue> issues;
  std::vector<std::vector<Cell>> kinds;
  for (int code = 1; code <= 9; ++code) {
    issues.push_back({"/" + std::to_string(code), static_cast<ErrorCode>(code), "x", "y", "z"});
    kinds.push_back({std::string(error_name(static_cast<ErrorCode>(code)))});
  }
  catalogue_.replace_series({}, issues);

  EXPECT_EQ(rows("issues", {"kind"}), kinds);
}

TEST_F(ScannedLists, ExecuteNothingButTheExpression) {
  EXPECT_THAT(refusal("studies", "patiet = 'x'"), HasSubstr("did you mean \"patient\"?"));
  for (const std::string of : {"studies", "volumes", "reports"}) {
    for (const std::string attack :
         {"patient in (select value from meta)",
          "(select 1)",
          "1=1) union select value from meta --",
          "exists (with recursive numbers (n) as (select 1 union all select n + 1 from numbers) "
          "select 1 from numbers)",
          "(select count(*) from series) > 0"}) {
      EXPECT_NE(refusal(of, attack), "") << of << ": " << attack;
    }
  }
}

TEST_F(ScannedLists, ReportsAreLinkedByStudyOrImageAndTheirWordsAreNotKept) {
  const fs::path list = folder_.path() / "reports.csv";
  const std::vector<ReportRow> reports = reports_from_csv(
      "Study_UID,file,report\n2.25.22,,No acute SECRETFINDING.\n,archive/a/IM00002.dcm,\"Lobar, "
      "right.\"\n2.25.99,,Not here yet.\n,archive/four.nii,Four.\n2.25.22,,\n",
      list);

  const ReportCounts counts = catalogue_.import_reports(list, reports);

  EXPECT_EQ(counts.reports, 4);
  EXPECT_EQ(counts.linked, 3);
  EXPECT_EQ(rows("studies", {"reports"}, "modalities = 'MR'"),
            (std::vector<std::vector<Cell>>{{1}}));
  EXPECT_EQ(rows("reports", {"row", "characters"}, "patient is not null"),
            (std::vector<std::vector<Cell>>{{2, 23}, {3, 13}, {5, 5}}));
  EXPECT_EQ(read_text(catalogue_.file()).find("SECRETFINDING"), std::string::npos);
  EXPECT_EQ(catalogue_.import_reports(list, reports).linked, 3);  // in place of the old rows
  EXPECT_EQ(rows("reports", {"row"}).size(), 4U);
}

TEST_F(ScannedLists, ReportsAreReadAgainFromTheirListAndMustBeTheSame) {
  const fs::path list = folder_.path() / "reports.csv";
  const std::string text =
      "study_uid,report\n2.25.22,No nodule.\n2.25.99,Another study.\n2.25.22,\"Addendum, left.\"\n";
  write_atomically(list, std::string_view(text));
  (void)catalogue_.import_reports(list, reports_from_csv(text, list));

  const std::map<std::string, std::string> texts = report_texts(catalogue_);

  EXPECT_EQ(texts.size(), 2U);
  EXPECT_EQ(texts.at(keyed_digest(catalogue_.salt(), "2.25.22")), "No nodule.\nAddendum, left.");
  write_atomically(list, std::string_view("study_uid,report\n2.25.22,A nodule.\n"));
  EXPECT_THAT(
      testing::error_of(ErrorCode::kRefused, [&] { static_cast<void>(report_texts(catalogue_)); }),
      HasSubstr("--reports again"));
  fs::remove(list);
  EXPECT_THAT(testing::error_of(ErrorCode::kNothingFound,
                                [&] { static_cast<void>(report_texts(catalogue_)); }),
              HasSubstr("reports.csv"));
}

TEST(ReportLists, ThatNameNothingAreRefused) {
  const auto why = [](const char* text) {
    return testing::error_of(ErrorCode::kInvalidArgument,
                             [&] { static_cast<void>(reports_from_csv(text, "x.csv")); });
  };

  EXPECT_THAT(why(""), HasSubstr("no column \"report\""));
  EXPECT_THAT(why("report\nx\n"), HasSubstr("no column \"study_uid\""));
  EXPECT_THAT(why("study_uid,report\n,x\n"), HasSubstr("row 2: names neither"));
}

TEST_F(ScannedLists, ASubsetIsTheSameUntilOneOfItsSeriesChanges) {
  const std::vector<SeriesRecord> ct = catalogue_.select("modality = 'CT'");
  const Subset saved = catalogue_.save_subset("ct", "modality = 'CT'", ct);
  EXPECT_EQ(catalogue_.subset("ct").size(), 2U);

  fs::rename(archive_ / "a", archive_ / "moved");  // places do not count
  rescan();
  EXPECT_EQ(catalogue_.subset("ct").size(), 2U);
  EXPECT_EQ(catalogue_.save_subset("again", "", catalogue_.select("modality = 'CT'")).digest,
            saved.digest);

  fs::remove(archive_ / "moved" / "IM00000.dcm");
  rescan();
  const SubsetState changed = catalogue_.subset_state(catalogue_.subsets().back());
  EXPECT_EQ(changed.changed.size(), 1U);
  EXPECT_THAT(testing::error_of(ErrorCode::kRefused, [&] { (void)catalogue_.subset("ct"); }),
              HasSubstr("0 of its 2 series are gone and 1 have changed"));

  fs::remove_all(archive_ / "moved");
  rescan();
  EXPECT_THAT(testing::error_of(ErrorCode::kRefused, [&] { (void)catalogue_.subset("ct"); }),
              HasSubstr("1 of its 2 series are gone and 0 have changed"));
}

TEST_F(ScannedLists, SubsetsAreNamedPlainlyAndFoundByName) {
  EXPECT_THAT(testing::error_of(ErrorCode::kInvalidArgument,
                                [&] { catalogue_.save_subset("a b", "", catalogue_.series()); }),
              HasSubstr("letters"));
  EXPECT_THAT(
      testing::error_of(ErrorCode::kNothingFound, [&] { catalogue_.save_subset("none", "", {}); }),
      HasSubstr("no series"));
  catalogue_.save_subset("chest", "", catalogue_.series());
  EXPECT_THAT(
      testing::error_of(ErrorCode::kNothingFound, [&] { (void)catalogue_.subset("chset"); }),
      HasSubstr("did you mean \"chest\"?"));
}

TEST_F(ScannedLists, KeysComeFromCsvAndJson) {
  const std::string first = catalogue_.series()[0].key;
  const std::string second = catalogue_.series()[1].key;

  EXPECT_THAT(keys_from_file("patient,key\np," + first + "\n", "x.csv", catalogue_),
              ElementsAre(first));
  EXPECT_THAT(
      keys_from_file(R"({"series": [{"key": ")" + first + R"("}, {"key": ")" + second + R"("}]})",
                     "x.json",
                     catalogue_),
      ElementsAre(first, second));
  EXPECT_THAT(keys_from_file("[\"" + second + "\"]", "x.json", catalogue_), ElementsAre(second));
  const auto why = [&](ErrorCode code, const char* text, const char* file) {
    return testing::error_of(code,
                             [&] { static_cast<void>(keys_from_file(text, file, catalogue_)); });
  };
  EXPECT_THAT(why(ErrorCode::kInvalidArgument, "key\nffff\n", "x.csv"),
              HasSubstr("no series ffff"));
  EXPECT_THAT(why(ErrorCode::kInvalidArgument, "id\nffff\n", "x.csv"), HasSubstr("no column"));
  EXPECT_THAT(why(ErrorCode::kUnreadable, "{", "x.json"), HasSubstr("no JSON"));
  EXPECT_THAT(why(ErrorCode::kInvalidArgument, "[5]", "x.json"), HasSubstr("expected keys"));
  EXPECT_THAT(why(ErrorCode::kNothingFound, "{\"a\": 1}", "x.json"), HasSubstr("names no series"));
}

}  // namespace

}  // namespace marrow
