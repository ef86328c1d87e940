#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "io/catalogue/blobs.h"
#include "io/catalogue/catalogue_state.h"
#include "io/catalogue/series_rows.h"

namespace marrow {

namespace {

std::int64_t one_number(SQLite::Database& database, const char* query) {
  return database.execAndGet(query).getInt64();
}

std::map<std::string, std::int64_t> counts_by(SQLite::Database& database, const char* query) {
  SQLite::Statement statement(database, query);
  std::map<std::string, std::int64_t> counts;
  while (statement.executeStep()) {
    counts[statement.getColumn(0).getString()] = statement.getColumn(1).getInt64();
  }
  return counts;
}

}  // namespace

std::vector<Issue> Catalogue::issues() const {
  std::vector<Issue> issues;
  for_each_issue([&](const Issue& issue) { issues.push_back(issue); });
  return issues;
}

void Catalogue::for_each_issue(const std::function<void(const Issue&)>& visit) const {
  with_database(state_->file, [&] {
    SQLite::Statement statement(
        state_->database,
        "SELECT path, code, reason_code, reason, advice FROM issues ORDER BY path, series");
    while (statement.executeStep()) {
      visit(issue_from_row(statement));
    }
  });
}

CatalogueCounts Catalogue::counts() const {
  return with_database(state_->file, [&] {
    SQLite::Database& database = state_->database;
    CatalogueCounts counts;
    counts.files = one_number(database, "SELECT coalesce(sum(file_count), 0) FROM chunks");
    counts.patients = one_number(database, "SELECT count(DISTINCT patient) FROM series");
    counts.studies = one_number(database, "SELECT count(DISTINCT study) FROM series");
    counts.by_verdict =
        counts_by(database, "SELECT verdict, count(*) FROM series GROUP BY verdict");
    for (const auto& [verdict, count] : counts.by_verdict) {
      counts.series += count;
    }
    counts.by_reason_of_series = counts_by(
        database,
        "SELECT reason_code, count(*) FROM series WHERE verdict = 'refuse' GROUP BY reason_code");
    counts.by_reason =
        counts_by(database, "SELECT reason_code, count(*) FROM issues GROUP BY reason_code");
    counts.refused_files =
        one_number(database, "SELECT count(*) FROM issues WHERE owner >= 'x' AND owner < 'y'");
    counts.not_files = one_number(database, "SELECT count(*) FROM issues WHERE owner = 'w'");
    return counts;
  });
}

std::vector<std::filesystem::path> Catalogue::roots() const {
  return with_database(state_->file, [&] { return catalogue_roots(state_->database); });
}

void Catalogue::add_roots(const std::vector<std::filesystem::path>& roots) {
  const std::vector<std::filesystem::path> known = this->roots();
  const bool all_known = std::all_of(roots.begin(), roots.end(), [&](const auto& root) {
    return std::find(known.begin(), known.end(), root) != known.end();
  });
  if (all_known) {
    return;
  }
  with_database(state_->file, [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement statement(state_->database, "INSERT OR IGNORE INTO roots VALUES (?)");
    for (const std::filesystem::path& root : roots) {
      statement.reset();
      bind_blob(statement, 1, root.native());
      statement.exec();
    }
    transaction.commit();
  });
}

void Catalogue::for_each_stamp(
    const std::function<void(const std::filesystem::path&, const FileStamp&)>& visit) const {
  with_database(state_->file, [&] {
    SQLite::Statement folders(state_->database, "SELECT id, path FROM folders ORDER BY path");
    while (folders.executeStep()) {
      const std::filesystem::path folder = blob_of(folders.getColumn(1));
      state_->files->for_each_stamp(
          folders.getColumn(0).getInt64(),
          [&](const std::string& name, const FileStamp& stamp) { visit(folder / name, stamp); });
    }
  });
}

std::int64_t Catalogue::for_each_stamp_in(
    const std::filesystem::path& folder,
    const std::function<void(const std::string&, const FileStamp&)>& visit) const {
  return with_database(state_->file, [&] {
    const std::int64_t id = state_->files->folder_id(folder);
    if (id != 0) {
      state_->files->for_each_stamp(id, visit);
    }
    return id;
  });
}

void Catalogue::for_each_folder(
    const std::function<void(std::int64_t, const std::filesystem::path&)>& visit) const {
  with_database(state_->file, [&] {
    SQLite::Statement folders(state_->database, "SELECT id, path FROM folders ORDER BY id");
    while (folders.executeStep()) {
      visit(folders.getColumn(0).getInt64(), blob_of(folders.getColumn(1)));
    }
  });
}

std::int64_t Catalogue::last_folder() const {
  return with_database(state_->file, [&] {
    return one_number(state_->database, "SELECT coalesce(max(id), 0) FROM folders");
  });
}

std::optional<FileRecord> Catalogue::file_record(const std::filesystem::path& path) const {
  return with_database(state_->file, [&]() -> std::optional<FileRecord> {
    const std::optional<KnownFile> known = state_->files->find(path);
    if (!known) {
      return std::nullopt;
    }
    return FileRecord{known->stamp, unpack_facts(known->facts, path)};
  });
}

std::vector<DicomHeader> Catalogue::headers_of(const SeriesRecord& record) const {
  return with_database(state_->file, [&] {
    SQLite::Statement owner(state_->database, "SELECT owner FROM series WHERE key = ?");
    owner.bind(1, record.key);
    std::vector<DicomHeader> headers;
    if (owner.executeStep() && owner.getColumn(0).getString().starts_with('d')) {
      headers = state_->files->headers(owner.getColumn(0).getString());
    }
    std::unordered_set<std::string_view> files;
    for (const std::filesystem::path& file : record.files) {
      files.insert(file.native());
    }
    std::erase_if(headers,
                  [&](const DicomHeader& header) { return !files.contains(header.file.native()); });
    return headers;
  });
}

void Catalogue::change_files(std::span<const FolderChange> changes) {
  if (changes.empty()) {
    return;
  }
  with_database(state_->file, [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    for (const FolderChange& change : changes) {
      state_->files->change(change);
    }
    transaction.commit();
  });
}

std::unordered_set<std::string> Catalogue::files_to_retry() const {
  return with_database(state_->file, [&] {
    SQLite::Statement statement(
        state_->database,
        "SELECT path FROM issues WHERE owner >= 'x' AND owner < 'y' AND reason_code IN "
        "('no-permission', 'unreadable', 'missing', 'out-of-memory')");
    std::unordered_set<std::string> paths;
    while (statement.executeStep()) {
      paths.insert(blob_of(statement.getColumn(0)));
    }
    return paths;
  });
}

std::vector<std::string> Catalogue::files_with_partners(std::int64_t folder) const {
  return with_database(state_->file, [&] { return state_->files->files_with_partners(folder); });
}

void Catalogue::start_walk(std::span<const std::filesystem::path> roots) {
  with_database(state_->file, [&] { state_->found.value().start(roots); });
}

void Catalogue::add_found(const Issue& issue) {
  with_database(state_->file, [&] { state_->found.value().add(issue); });
}

void Catalogue::update_series(const SeriesMakers& makers) {
  with_database(state_->file, [&] {
    static_cast<void>(
        marrow::update_series(state_->database, *state_->files, state_->found.value(), makers));
  });
}

bool Catalogue::issues_file_is_old() const {
  return with_database(state_->file,
                       [&] { return meta_value(state_->database, "issues_file") != "written"; });
}

void Catalogue::issues_file_is_written() {
  with_database(state_->file, [&] { set_meta_value(state_->database, "issues_file", "written"); });
}

}  // namespace marrow
