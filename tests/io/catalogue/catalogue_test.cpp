#include "io/catalogue/catalogue.h"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "io/catalogue/cases.h"
#include "io/catalogue/packed_paths.h"
#include "io/catalogue/series_json.h"
#include "tests/support/dicom_series.h"

namespace marrow {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

SeriesRecord made_record(const std::string& key, const std::string& patient) {
  SeriesRecord record;
  record.key = key;
  record.study = "5555555555555555";
  record.patient = patient;
  record.modality = Modality::kCt;
  record.format = "dicom";
  record.files = {"/a/b/IM1.dcm", "/a/b/IM2.dcm", "/a/\xFFodd/IM3"};
  record.geometry = testing::oblique_grid();
  record.facts = {{"kernel", "B30f"}, {"thickness_mm", "2.5"}, {"manufacturer", "MAKER"}};
  return record;
}

class CatalogueFile : public ::testing::Test {
 protected:
  CatalogueFile() {
    SeriesRecord refused = made_record("cccc000000000003", "p2");
    refused.modality = Modality::kMr;
    refused.verdict = Verdict::kRefuse;
    refused.reason_code = "missing-slices";
    refused.reason = "one is missing";
    refused.geometry.reset();
    const std::vector<SeriesRecord> records{
        made_record("bbbb000000000002", "p2"), made_record("aaaa000000000001", "p1"), refused};
    const std::vector<Issue> issues{
        {"/a/\xFFname", ErrorCode::kUnreadable, "cut-short", "it ends early", "copy it again"}};
    catalogue_.replace_series(records, issues);
  }

  std::vector<std::string> keys(const std::string& where) const {
    std::vector<std::string> keys;
    for (const SeriesRecord& record : catalogue_.select(where)) {
      keys.push_back(record.key.substr(0, 4));
    }
    return keys;
  }

  std::string refusal(const std::string& where) const {
    try {
      static_cast<void>(catalogue_.select(where));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "work" / "catalogue.db";
  Catalogue catalogue_{file_, Catalogue::Mode::kWrite};
};

TEST_F(CatalogueFile, GivesBackWhatWasStoredSortedByKey) {
  const Catalogue reader(file_);
  const std::vector<SeriesRecord> series = reader.series();

  ASSERT_EQ(series.size(), 3U);
  EXPECT_EQ(series[0].key, "aaaa000000000001");
  EXPECT_EQ(series[0].files, made_record("", "").files);
  EXPECT_EQ(geometry_difference(*series[0].geometry, testing::oblique_grid()), "");
  EXPECT_EQ(series[0].geometry->direction, testing::oblique_grid().direction);
  EXPECT_EQ(series[0].facts.at("kernel"), "B30f");
  EXPECT_FALSE(series[2].geometry.has_value());
  EXPECT_EQ(series[2].verdict, Verdict::kRefuse);
  EXPECT_EQ(reader.issues().at(0).path.native(), "/a/\xFFname");
  EXPECT_EQ(reader.salt(), catalogue_.salt());
  EXPECT_EQ(reader.salt().size(), 64U);
}

TEST_F(CatalogueFile, GivesBackWhichVolumeOfTheFilesASeriesIs) {
  SeriesRecord one = made_record("aaaa000000000001", "p1");
  SeriesRecord other = made_record("bbbb000000000001", "p1");
  other.volume = 3;
  catalogue_.replace_series(std::vector{one, other}, {});

  EXPECT_EQ(catalogue_.series().at(0).volume, std::nullopt);
  EXPECT_EQ(catalogue_.series().at(1).volume, 3);
  EXPECT_TRUE(series_json(catalogue_.series().at(0)).at("volume").is_null());
  EXPECT_EQ(series_json(catalogue_.series().at(1)).at("volume"), 3);
  EXPECT_EQ(cases_from_catalogue(catalogue_).at(1).images.at(0).volume, 3);
}

TEST_F(CatalogueFile, IsPrivate) {
  EXPECT_EQ(std::filesystem::status(file_).permissions() & std::filesystem::perms::all,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(CatalogueFile, SelectsByExpression) {
  EXPECT_THAT(keys("modality='CT' and slices>5"), ElementsAre("aaaa", "bbbb"));
  EXPECT_THAT(keys("verdict = 'refuse' -- and a comment"), ElementsAre("cccc"));
  EXPECT_THAT(keys("kernel like 'b3%' and thickness_mm < 3 and patient='p2' and kept"),
              ElementsAre("bbbb"));
  EXPECT_THAT(
      keys("spacing_z between 2.4 and 2.6 and json_extract(facts, '$.manufacturer') = 'MAKER'"),
      ElementsAre("aaaa", "bbbb"));
  EXPECT_THAT(keys("slices > 1000"), ElementsAre());
}

TEST_F(CatalogueFile, NamesAnUnknownColumnAndTheNearestOne) {
  EXPECT_THAT(refusal("modalty='CT'"),
              HasSubstr("no column \"modalty\"; did you mean \"modality\"?"));
  EXPECT_THAT(refusal("modality=\"CT\""), HasSubstr("single quotes"));
  EXPECT_THAT(refusal("modality='CT' and"), HasSubstr("--where"));
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
}

TEST_F(CatalogueFile, ExecutesNothingButTheExpression) {
  for (const char* const attack : {"1=1) union select value from meta --",
                                   "key in (select value from meta)",
                                   "1=1; drop table series",
                                   "1=1); drop table series; --",
                                   "exists (select 1 from sqlite_master)",
                                   "load_extension('x') is null",
                                   "1 = (select count(*) from listing)",
                                   "readfile('/etc/passwd') is not null",
                                   "series.files is not null",
                                   "randomblob(1000000000) is null",
                                   "1=1) order by key limit 1; attach 'x' as y --",
                                   "(with recursive c(x) as (select 1 union all select x+1 from c) "
                                   "select count(*) from c) > 1"}) {
    EXPECT_NE(refusal(attack), "") << attack;
  }
  EXPECT_EQ(catalogue_.series().size(), 3U);
}

TEST_F(CatalogueFile, FindsByKeyStartOfKeyUidAndPath) {
  SeriesRecord by_uid = made_record(keyed_digest(catalogue_.salt(), "1.2.840.99"), "p1");
  by_uid.files = {"/x/y/only.dcm"};
  catalogue_.replace_series(
      std::vector{
          by_uid, made_record("aaaa000000000001", "p1"), made_record("aaaa000000000009", "p1")},
      {});

  EXPECT_EQ(catalogue_.find("aaaa000000000001").size(), 1U);
  EXPECT_EQ(catalogue_.find("1.2.840.99").at(0).key, by_uid.key);
  EXPECT_EQ(catalogue_.find("/x/y").at(0).key, by_uid.key);
  EXPECT_EQ(catalogue_.find("/a/b/IM1.dcm").size(), 2U);
  EXPECT_THROW(static_cast<void>(catalogue_.find("aaaa00")), Error);
  EXPECT_THROW(static_cast<void>(catalogue_.find("1.2.3")), Error);
}

TEST_F(CatalogueFile, ARescanKeepsSplitsAndDropsWhereSeriesRemain) {
  catalogue_.set_splits({{"p1", "train"}, {"p2", "test"}});
  catalogue_.set_reduction(
      "", Reduction{"", {{"bbbb000000000002", "exact", "", 0, "repeats aaaa"}}, {}});

  catalogue_.replace_series(
      std::vector{made_record("bbbb000000000002", "p2"), made_record("dddd000000000004", "p1")},
      {});

  const std::vector<SeriesRecord> series = catalogue_.series();
  EXPECT_EQ(series[0].split, "test");
  EXPECT_EQ(series[0].dropped_because, "exact: repeats aaaa");
  EXPECT_EQ(series[1].split, "train");
  EXPECT_EQ(series[1].dropped_because, "");
}

TEST_F(CatalogueFile, ReductionsOfCollectionsAreKeptApartAndTakenBack) {
  const Reduction archive{"reduce: {}\n",
                          {{"bbbb000000000002", "exact", "aaaa000000000001", 0, "equal"}},
                          {{"aaaa000000000001", 2, 9, {{3, "dhash", "aaaa000000000001", 2, 4}}}}};
  const Reduction data{"x", {}, {{"case-1", 0, 4, {{0, "entropy", "", -1, 0.25}}}}};
  catalogue_.set_reduction("", archive);
  catalogue_.set_reduction("data", data);

  EXPECT_EQ(catalogue_.reduction(""), archive);
  EXPECT_EQ(catalogue_.reduction("data"), data);
  EXPECT_EQ(catalogue_.series()[1].dropped_because, "exact: equal; aaaa000000000001 is kept");

  catalogue_.set_reduction("", std::nullopt);

  EXPECT_FALSE(catalogue_.reduction(""));
  EXPECT_EQ(catalogue_.reduction("data"), data);
  EXPECT_EQ(catalogue_.series()[1].dropped_because, "");
}

TEST_F(CatalogueFile, CasesAreTheKeptSeries) {
  catalogue_.set_reduction(
      "", Reduction{"", {{"bbbb000000000002", "exact", "", 0, "repeats aaaa"}}, {}});

  const std::vector<Case> cases = cases_from_catalogue(catalogue_);

  ASSERT_EQ(cases.size(), 1U);
  EXPECT_EQ(cases[0].key, "aaaa000000000001");
  EXPECT_EQ(cases[0].patient, "p1");
  EXPECT_EQ(cases[0].images.at(0).files.size(), 3U);
  EXPECT_THROW(static_cast<void>(cases_from_catalogue(catalogue_, "modality='PT'")), Error);
}

TEST_F(CatalogueFile, JsonHasTheKeysOfTheContract) {
  const nlohmann::json object = series_json(catalogue_.series().at(0));

  for (const char* const key : {"key",
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
    EXPECT_TRUE(object.contains(key)) << key;
  }
  EXPECT_EQ(object["size"], nlohmann::json({7, 5, 6}));
  EXPECT_EQ(object["direction"].size(), 9U);
  EXPECT_NEAR(object["direction"][1].get<double>(), testing::oblique_grid().direction(0, 1), 1e-12);
  EXPECT_EQ(object["kept"], true);
}

TEST_F(CatalogueFile, ReadersSeeTheOldStateAfterAWriterWasKilled) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    SQLite::Database writer(file_.string(), SQLite::OPEN_READWRITE);
    writer.exec("PRAGMA cache_size = 1");  // changes reach the file before the commit
    writer.exec("BEGIN IMMEDIATE");
    writer.exec("DELETE FROM series");
    for (int n = 0; n < 2000; ++n) {
      writer.exec(
          "INSERT INTO issues (path, series, code, reason_code, reason, advice, owner) VALUES "
          "(randomblob(500), '', 4, 'a', 'b', 'c', '')");
    }
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  ASSERT_TRUE(std::filesystem::exists(file_.string() + "-journal"));

  const Catalogue reader(file_);

  EXPECT_EQ(reader.series().size(), 3U);
  EXPECT_EQ(reader.issues().size(), 1U);
}

TEST(Catalogue, SaysThatAMissingOneMustBeMade) {
  const TemporaryFolder folder;
  try {
    const Catalogue missing(folder.path() / "catalogue.db");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNothingFound);
    EXPECT_THAT(error.what(), HasSubstr("marrow scan"));
  }
}

TEST(Catalogue, SaysWhatToDoWithOneOfAnotherVersion) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "catalogue.db";
  { const Catalogue made(file, Catalogue::Mode::kWrite); }
  SQLite::Database(file.string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 1");

  try {
    const Catalogue old(file);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error.what(), HasSubstr("version 1"));
    EXPECT_THAT(error.what(), HasSubstr("scan into another work folder"));
  }
}

TEST(Catalogue, RefusesWhatIsNoCatalogue) {
  const TemporaryFolder folder;
  write_atomically(folder.path() / "catalogue.db", std::string(5000, 'x'));

  try {
    const Catalogue other(folder.path() / "catalogue.db", Catalogue::Mode::kWrite);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnreadable);
  }
}

TEST(PackedPaths, RoundTripAnyBytesAndRefuseDamage) {
  const std::vector<std::filesystem::path> paths{
      "/a/b/c1", "/a/b/c2", "/a/b/c2/long" + std::string(300, 'x'), "/\x01\xFF", ""};

  const std::string packed = pack_paths(paths);

  EXPECT_EQ(unpack_paths(packed), paths);
  EXPECT_THROW(static_cast<void>(unpack_paths(packed.substr(0, 5))), Error);
  EXPECT_THROW(static_cast<void>(unpack_paths("\x05\x01x")), Error);
}

}  // namespace

}  // namespace marrow
