#include "io/catalogue/series_update.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/digest.h"
#include "io/catalogue/blobs.h"
#include "io/catalogue/series_rows.h"

namespace marrow {

namespace {

constexpr const char* kFoundTables = R"sql(
CREATE TEMP TABLE IF NOT EXISTS found (
  path BLOB PRIMARY KEY, code INTEGER, reason_code TEXT, reason TEXT, advice TEXT) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS walked (path BLOB PRIMARY KEY, low BLOB, high BLOB) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS kept (
  key TEXT PRIMARY KEY, patient TEXT, split TEXT, dropped_because TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS temp.kept_by_patient ON kept (patient);
)sql";

// Issues of earlier walks that this one should have met again.
constexpr const char* kNotFoundAgain =
    "FROM main.issues WHERE owner = 'w' AND path NOT IN (SELECT path FROM temp.found) AND EXISTS "
    "(SELECT 1 FROM temp.walked WHERE issues.path = walked.path OR (issues.path >= low AND "
    "issues.path < high))";
constexpr const char* kNewlyFound =
    "SELECT path, code, reason_code, reason, advice FROM temp.found EXCEPT SELECT path, code, "
    "reason_code, reason, advice FROM main.issues WHERE owner = 'w'";

bool any_row(SQLite::Database& database, const std::string& query) {
  SQLite::Statement statement(database, query);
  return statement.executeStep();
}

// Digest of the archives: keys of volume files are made relative to them.
std::string roots_value(const std::vector<std::filesystem::path>& roots) {
  std::string all;
  for (const std::filesystem::path& root : roots) {
    all += root.native() + '\0';
  }
  return sha256_hex(all);
}

// What users said about the series that are made anew.
class KeptMarks {
 public:
  explicit KeptMarks(SQLite::Database& database)
      : split_(database,
               "SELECT split FROM temp.kept WHERE patient = ?1 AND split != '' UNION ALL SELECT "
               "split FROM main.series WHERE patient = ?1 AND split != '' LIMIT 1"),
        dropped_(database, "SELECT dropped_because FROM temp.kept WHERE key = ?") {}

  static void keep(SQLite::Database& database) {
    database.exec("DELETE FROM temp.kept");
    database.exec(
        "INSERT INTO temp.kept SELECT key, patient, split, dropped_because FROM main.series WHERE "
        "owner IN (SELECT owner FROM dirty) AND (split != '' OR dropped_because != '')");
  }

  void put_back(SeriesRecord& record) {
    record.split = first(split_, record.patient);
    record.dropped_because = first(dropped_, record.key);
  }

 private:
  static std::string first(SQLite::Statement& statement, const std::string& value) {
    statement.reset();
    statement.bind(1, value);
    std::string text = statement.executeStep() ? statement.getColumn(0).getString() : std::string();
    statement.reset();
    return text;
  }

  SQLite::Statement split_, dropped_;
};

class SeriesUpdate {
 public:
  SeriesUpdate(SQLite::Database& database, FileTable& files, const SeriesMakers& makers)
      : volumes_(database), writer_(database), marks_(database), files_(files), makers_(makers) {}

  void make(const std::string& owner) {
    if (owner.starts_with('d')) {
      if (std::vector<DicomHeader> headers = files_.headers(owner); !headers.empty()) {
        for (SeriesRecord& record : makers_.dicom(std::move(headers))) {
          put(record, owner);
        }
      }
    } else if (owner.starts_with('v')) {
      if (const std::optional<KnownVolumeFile> file = volumes_.file(owner)) {
        SeriesRecord record = makers_.volume_file(*file);
        put(record, owner);
      }
    } else {
      for (const FileFacts& file : files_.refused(owner)) {
        writer_.add(makers_.refused_file(file), "", owner);
      }
    }
  }

 private:
  void put(SeriesRecord& record, const std::string& owner) {
    marks_.put_back(record);
    writer_.add(record, owner);
    if (record.verdict == Verdict::kRefuse) {
      writer_.add(makers_.refused_series(record), record.key, owner);
    }
  }

  VolumeFileTable volumes_;
  SeriesWriter writer_;
  KeptMarks marks_;
  FileTable& files_;
  const SeriesMakers& makers_;
};

}  // namespace

FoundIssues::FoundIssues(SQLite::Database& database) : database_(database) {
  database.exec(kFoundTables);
  add_.emplace(database, "INSERT OR REPLACE INTO temp.found VALUES (?, ?, ?, ?, ?)");
}

void FoundIssues::start(std::span<const std::filesystem::path> roots) {
  database_.exec("DELETE FROM temp.found");
  database_.exec("DELETE FROM temp.walked");
  SQLite::Statement insert(database_, "INSERT OR IGNORE INTO temp.walked VALUES (?, ?, ?)");
  for (const std::filesystem::path& root : roots) {
    const std::string low = (root / "").native();
    std::string high = low;
    ++high.back();  // the first text behind all that begin with `low`
    insert.reset();
    bind_blob(insert, 1, root.native());
    bind_blob(insert, 2, low);
    bind_blob(insert, 3, high);
    insert.exec();
  }
}

void FoundIssues::add(const Issue& issue) {
  add_->reset();
  bind_blob(*add_, 1, issue.path.native());
  add_->bind(2, static_cast<int>(issue.code));
  add_->bind(3, issue.reason_code);
  add_->bind(4, issue.reason);
  add_->bind(5, issue.advice);
  add_->exec();
  add_->reset();
}

bool FoundIssues::differ() {
  return any_row(database_, fmt::format("SELECT 1 {} LIMIT 1", kNotFoundAgain)) ||
         any_row(database_, fmt::format("{} LIMIT 1", kNewlyFound));
}

void FoundIssues::remove_old() {
  database_.exec(fmt::format("DELETE {}", kNotFoundAgain));
}

void FoundIssues::put_new() {
  database_.exec(
      "INSERT OR REPLACE INTO main.issues (path, code, reason_code, reason, advice, series, owner) "
      "SELECT path, code, reason_code, reason, advice, '', 'w' FROM temp.found");
}

std::string meta_value(SQLite::Database& database, const std::string& name) {
  SQLite::Statement statement(database, "SELECT value FROM meta WHERE name = ?");
  statement.bind(1, name);
  return statement.executeStep() ? statement.getColumn(0).getString() : std::string();
}

void set_meta_value(SQLite::Database& database, const std::string& name, const std::string& value) {
  SQLite::Statement statement(database, "INSERT OR REPLACE INTO meta VALUES (?, ?)");
  statement.bind(1, name);
  statement.bind(2, value);
  statement.exec();
}

std::vector<std::filesystem::path> catalogue_roots(SQLite::Database& database) {
  SQLite::Statement statement(database, "SELECT path FROM roots ORDER BY path");
  std::vector<std::filesystem::path> roots;
  while (statement.executeStep()) {
    roots.emplace_back(blob_of(statement.getColumn(0)));
  }
  return roots;
}

bool update_series(SQLite::Database& database,
                   FileTable& files,
                   FoundIssues& found,
                   const SeriesMakers& makers) {
  const std::vector<std::filesystem::path> roots = catalogue_roots(database);
  const bool other_roots = meta_value(database, "series_roots") != roots_value(roots);
  const bool other_options = meta_value(database, "series_options") != makers.options;
  if (!other_roots && !other_options && !found.differ() &&
      !any_row(database, "SELECT 1 FROM dirty LIMIT 1")) {
    return false;
  }
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  VolumeFileTable(database).place_files(roots, other_roots);
  if (other_options) {
    database.exec(
        "INSERT OR IGNORE INTO dirty SELECT DISTINCT owner FROM parts WHERE owner != 'x'");
  }
  KeptMarks::keep(database);
  // First everything old goes, so that what a new row says is never taken away with an old one.
  database.exec("DELETE FROM main.series WHERE owner IN (SELECT owner FROM dirty)");
  database.exec("DELETE FROM main.issues WHERE owner IN (SELECT owner FROM dirty)");
  found.remove_old();
  SeriesUpdate update(database, files, makers);
  SQLite::Statement dirty(database, "SELECT owner FROM dirty ORDER BY owner");
  while (dirty.executeStep()) {
    update.make(dirty.getColumn(0).getString());
  }
  dirty.reset();
  found.put_new();
  database.exec("DELETE FROM dirty");
  set_meta_value(database, "series_roots", roots_value(roots));
  set_meta_value(database, "series_options", makers.options);
  set_meta_value(database, "issues_file", "old");
  transaction.commit();
  return true;
}

}  // namespace marrow
