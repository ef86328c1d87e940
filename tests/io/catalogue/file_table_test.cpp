#include "io/catalogue/file_table.h"

#include <algorithm>
#include <limits>
#include <map>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/database.h"
#include "io/catalogue/packed_stamps.h"
#include "tests/support/dicom_series.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

FileFacts made_facts(const fs::path& file, int series, int slice) {
  FileFacts facts;
  facts.file = file;
  if (series < 0) {
    facts.content =
        FileRefusal{ErrorCode::kUnreadable, "cut-short", file.native() + " ends early", "copy it"};
    return facts;
  }
  DicomHeader header = testing::made_header(slice);
  header.file = file;
  header.series_uid = fmt::format("{:016x}", series);
  header.instance_uid = fmt::format("{:016x}", 1000 * series + slice);
  header.facts["kernel"] = fmt::format("B{}", series);
  facts.content = header;
  return facts;
}

class KnownFiles : public ::testing::Test {
 protected:
  using Names = std::map<std::string, std::pair<FileStamp, FileFacts>>;

  // What a folder holds in a plain map, and the same change in the catalogue.
  void change(const fs::path& folder, const std::map<std::string, std::optional<int>>& names) {
    FolderChange change{folder, {}};
    for (const auto& [name, series] : names) {
      if (series) {
        const int slice = static_cast<int>(random_() % 90);
        const FileStamp stamp{static_cast<std::int64_t>(random_() % 3000), ++clock_, clock_ * 7};
        const FileFacts facts = made_facts(folder / name, *series, slice);
        model_[folder][name] = {stamp, facts};
        change.files.push_back({name, KnownFile{stamp, pack_facts(facts)}});
      } else {
        model_[folder].erase(name);
        change.files.push_back({name, std::nullopt});
      }
    }
    catalogue_.change_files(std::vector{change});
  }

  void expect_the_same() {
    std::map<fs::path, FileStamp> stamps;
    catalogue_.for_each_stamp(
        [&](const fs::path& path, const FileStamp& stamp) { stamps[path] = stamp; });
    std::size_t count = 0;
    for (const auto& [folder, names] : model_) {
      for (const auto& [name, known] : names) {
        ++count;
        ASSERT_EQ(stamps.at(folder / name), known.first);
        if (random_() % 50 == 0) {
          const FileRecord found = catalogue_.file_record(folder / name).value();
          EXPECT_EQ(pack_facts(found.facts), pack_facts(known.second));
        }
      }
    }
    EXPECT_EQ(stamps.size(), count);
    EXPECT_EQ(catalogue_.counts().files, static_cast<std::int64_t>(count));
  }

  TemporaryFolder folder_;
  Catalogue catalogue_{folder_.path() / "catalogue.db", Catalogue::Mode::kWrite};
  std::map<fs::path, Names> model_;
  std::mt19937 random_{5};
  std::int64_t clock_ = 1;
};

TEST_F(KnownFiles, AreWhatRandomChangesMadeOfThem) {
  for (int round = 0; round < 30; ++round) {
    std::map<std::string, std::optional<int>> names;
    for (int n = 0; n < 400; ++n) {
      const std::string name = fmt::format("IM{:05}", random_() % 6000);
      names[name] =
          random_() % 3 == 0 ? std::nullopt : std::optional(static_cast<int>(random_() % 6) - 1);
    }
    change(round % 5 == 4 ? "/archive/other" : "/archive/flat", names);
  }
  expect_the_same();
}

TEST_F(KnownFiles, FillAFlatFolderAndLeaveIt) {
  std::map<std::string, std::optional<int>> names;
  for (int n = 0; n < 5000; ++n) {
    names[fmt::format("{:06}", n)] = n / 100;
  }
  change("/archive", names);
  expect_the_same();

  for (auto& [name, series] : names) {
    series.reset();
  }
  change("/archive", names);

  expect_the_same();
  EXPECT_EQ(catalogue_.last_folder(), 0);
}

TEST_F(KnownFiles, OfASeriesAreFoundInAllFolders) {
  for (int folder = 0; folder < 20; ++folder) {
    change(fmt::format("/archive/{}", folder), {{"a", 3}, {"b", 4}, {"c", -1}});
  }
  SeriesMakers makers;
  std::map<std::string, std::size_t> files;
  makers.dicom = [&](std::vector<DicomHeader> headers) {
    files[headers.front().series_uid] = headers.size();
    return std::vector<SeriesRecord>{};
  };
  int refused = 0;
  makers.refused_file = [&](const FileFacts& file) {
    ++refused;
    return Issue{file.file, ErrorCode::kUnreadable, "cut-short", "it ends early", ""};
  };
  makers.options = "none";

  catalogue_.update_series(makers);
  EXPECT_EQ(files,
            (std::map<std::string, std::size_t>{{fmt::format("{:016x}", 3), 20U},
                                                {fmt::format("{:016x}", 4), 20U}}));
  EXPECT_EQ(refused, 20);
  EXPECT_EQ(catalogue_.issues().size(), 20U);

  files.clear();
  change("/archive/7", {{"a", std::nullopt}});
  catalogue_.update_series(makers);
  EXPECT_EQ(files, (std::map<std::string, std::size_t>{{fmt::format("{:016x}", 3), 19U}}));
}

// One file of a random kind under one of few names, so that everything meets everything.
FileFacts random_facts(const fs::path& file, std::mt19937& random) {
  switch (random() % 4) {
    case 0: {
      NiftiHeader header;
      header.geometry = testing::oblique_grid();
      header.transform = "sform";
      header.data_offset = static_cast<std::int64_t>(random() % 1000);
      return {file, header};
    }
    case 1:
      return made_facts(file, -1, 0);
    default:
      return made_facts(file, static_cast<int>(random() % 3), static_cast<int>(random() % 9));
  }
}

TEST(FileTable, WithTinyChunksHoldsWhatRandomChangesMadeOfIt) {
  const TemporaryFolder folder;
  SQLite::Database database = open_catalogue(folder.path() / "catalogue.db", true);
  FileTable table(database, 3);
  std::map<fs::path, std::map<std::string, KnownFile>> model;
  std::mt19937 random(17);
  for (int round = 0; round < 400; ++round) {
    const fs::path place = random() % 3 == 0 ? "/archive/a" : "/archive/a/b";
    std::map<std::string, std::optional<KnownFile>> files;
    for (std::uint64_t n = 0; n < 1 + random() % 6; ++n) {
      const std::string name = fmt::format("{}", random() % 30);
      if (random() % 5 < 2) {
        files[name] = std::nullopt;
        model[place].erase(name);
      } else {
        const FileStamp stamp{static_cast<std::int64_t>(random() % 99), round, 5};
        const KnownFile known{stamp, pack_facts(random_facts(place / name, random))};
        files[name] = known;
        model[place][name] = known;
      }
    }
    FolderChange change{place, {}};
    for (const auto& [name, known] : files) {
      change.files.push_back({name, known});
    }
    table.change(change);

    std::map<std::string, std::size_t> owners;
    for (const auto& [where, known] : model) {
      std::vector<std::string> names;
      table.for_each_stamp(table.folder_id(where),
                           [&](const std::string& name, const FileStamp& stamp) {
                             ASSERT_EQ(stamp, known.at(name).stamp);
                             names.push_back(name);
                           });
      ASSERT_TRUE(std::is_sorted(names.begin(), names.end()));
      ASSERT_EQ(names.size(), known.size()) << "round " << round;
      for (const auto& [name, file] : known) {
        ASSERT_EQ(table.find(where / name)->facts, file.facts) << "round " << round;
        ++owners[file.facts.owner];
      }
    }
    for (const auto& [owner, count] : owners) {
      if (owner.starts_with('d')) {
        ASSERT_EQ(table.headers(owner).size(), count) << "round " << round;
      }
    }
    SQLite::Statement largest(database, "SELECT max(file_count) FROM chunks");
    ASSERT_TRUE(largest.executeStep());
    ASSERT_LE(largest.getColumn(0).getInt64(), 3);
    SQLite::Statement chunks(database, "SELECT DISTINCT chunk FROM parts WHERE owner = 'x'");
    std::size_t refused = 0;
    while (chunks.executeStep()) {
      refused += table.refused(fmt::format("x{}", chunks.getColumn(0).getInt64())).size();
    }
    ASSERT_EQ(refused, owners.contains("x") ? owners.at("x") : 0U);
    SQLite::Statement rows(database, "SELECT count(*) FROM volume_files");
    ASSERT_TRUE(rows.executeStep());
    ASSERT_EQ(static_cast<std::size_t>(rows.getColumn(0).getInt64()),
              owners.contains("v") ? owners.at("v") : 0U);
  }
}

TEST(PackedStamps, RoundTripExtremeNumbersAndRefuseDamage) {
  constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kSmallest = std::numeric_limits<std::int64_t>::min();
  const std::vector<std::pair<std::string, FileStamp>> files{
      {"a", {kLargest, kSmallest, 0}}, {"ab\xFF", {0, kLargest, kSmallest}}, {"b", {1, 2, 3}}};
  StampPacker packer;
  for (const auto& [name, stamp] : files) {
    packer.add(name, stamp);
  }

  StampReader reader(packer.bytes());
  for (const auto& [name, stamp] : files) {
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.name(), name);
    EXPECT_EQ(reader.stamp(), stamp);
  }
  EXPECT_FALSE(reader.next());
  StampReader cut(std::string_view(packer.bytes()).substr(0, 5));
  EXPECT_THROW(static_cast<void>(cut.next()), Error);
}

}  // namespace

}  // namespace marrow
