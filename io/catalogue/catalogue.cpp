#include "io/catalogue/catalogue.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"
#include "io/catalogue/database.h"
#include "io/catalogue/file_rows.h"
#include "io/catalogue/select.h"
#include "io/catalogue/series_rows.h"

namespace marrow {

namespace {

constexpr std::size_t kShortestKeyStart = 4;

std::filesystem::path path_of_column(const SQLite::Column& column) {
  return {std::string(static_cast<const char*>(column.getBlob()),
                      static_cast<std::size_t>(column.getBytes()))};
}

void bind_path(SQLite::Statement& statement, int index, const std::filesystem::path& path) {
  statement.bind(index, path.native().data(), static_cast<int>(path.native().size()));
}

}  // namespace

struct Catalogue::State {
  std::filesystem::path file;
  SQLite::Database database;
  std::string salt;

  State(const std::filesystem::path& path, bool write)
      : file(path), database(open_catalogue(path, write)) {
    salt = with_database(file, [&] {
      return database.execAndGet("SELECT value FROM meta WHERE name = 'salt'").getString();
    });
  }

  std::vector<SeriesRecord> query(const std::string& condition,
                                  const std::vector<std::string>& values = {}) {
    return with_database(file, [&] {
      SQLite::Statement statement(
          database,
          fmt::format("SELECT {} FROM series {} ORDER BY key", kSeriesColumns, condition));
      for (std::size_t n = 0; n < values.size(); ++n) {
        statement.bind(static_cast<int>(n) + 1, values[n]);
      }
      std::vector<SeriesRecord> records;
      while (statement.executeStep()) {
        records.push_back(series_from_row(statement));
      }
      return records;
    });
  }

  // Column 0..5: path, size, modified_ns, inode, header, own.
  static FileRecord file_of_row(SQLite::Statement& row) {
    const std::filesystem::path path = path_of_column(row.getColumn(0));
    return {{row.getColumn(1).getInt64(), row.getColumn(2).getInt64(), row.getColumn(3).getInt64()},
            unpack_file(row.getColumn(4).getString(), row.getColumn(5).getString(), path)};
  }
};

Catalogue::Catalogue(const std::filesystem::path& file, Mode mode)
    : state_(std::make_unique<State>(file, mode == Mode::kWrite)) {}

Catalogue::~Catalogue() = default;
Catalogue::Catalogue(Catalogue&&) noexcept = default;
Catalogue& Catalogue::operator=(Catalogue&&) noexcept = default;

const std::filesystem::path& Catalogue::file() const {
  return state_->file;
}

const std::string& Catalogue::salt() const {
  return state_->salt;
}

std::vector<SeriesRecord> Catalogue::series() const {
  return state_->query("");
}

std::vector<SeriesRecord> Catalogue::select(const std::string& where) const {
  const std::vector<std::string> keys = select_keys(state_->file, where);
  std::vector<SeriesRecord> all = series();
  std::erase_if(all, [&](const SeriesRecord& record) {
    return !std::binary_search(keys.begin(), keys.end(), record.key);
  });
  return all;
}

std::vector<SeriesRecord> Catalogue::find(const std::string& text) const {
  const bool hex = !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (hex && text.size() >= kShortestKeyStart && text.size() <= 16) {
    std::vector<SeriesRecord> records =
        state_->query("WHERE substr(key, 1, length(?1)) = ?1", {text});
    if (records.size() > 1) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format("catalogue: {} series have keys that begin with {}; give more of the key",
                      records.size(),
                      text));
    }
    if (!records.empty()) {
      return records;
    }
  }
  if (text.find_first_not_of("0123456789.") == std::string::npos && !text.empty()) {
    const std::string series = keyed_digest(state_->salt, text);
    std::vector<SeriesRecord> records =
        state_->query("WHERE key = ? OR json_extract(facts, '$.series') = ?", {series, series});
    if (!records.empty()) {
      return records;
    }
  }
  const std::filesystem::path path = std::filesystem::absolute(text).lexically_normal();
  const std::string inside = (path / "").native();
  std::vector<SeriesRecord> records = series();
  std::erase_if(records, [&](const SeriesRecord& record) {
    return std::none_of(
        record.files.begin(), record.files.end(), [&](const std::filesystem::path& file) {
          return file == path || file.native().starts_with(inside);
        });
  });
  if (records.empty()) {
    throw Error(
        ErrorCode::kNothingFound,
        fmt::format(
            "catalogue: no series with key, UID or file \"{}\" in {}; `marrow list` shows the keys",
            printable(text),
            state_->file.string()));
  }
  return records;
}

std::vector<Issue> Catalogue::issues() const {
  return with_database(state_->file, [&] {
    SQLite::Statement statement(
        state_->database,
        "SELECT path, code, reason_code, reason, advice FROM issues ORDER BY number");
    std::vector<Issue> issues;
    while (statement.executeStep()) {
      issues.push_back({path_of_column(statement.getColumn(0)),
                        static_cast<ErrorCode>(statement.getColumn(1).getInt()),
                        statement.getColumn(2).getString(),
                        statement.getColumn(3).getString(),
                        statement.getColumn(4).getString()});
    }
    return issues;
  });
}

std::vector<std::filesystem::path> Catalogue::roots() const {
  return with_database(state_->file, [&] {
    SQLite::Statement statement(state_->database, "SELECT path FROM roots ORDER BY path");
    std::vector<std::filesystem::path> roots;
    while (statement.executeStep()) {
      roots.push_back(path_of_column(statement.getColumn(0)));
    }
    return roots;
  });
}

void Catalogue::add_roots(const std::vector<std::filesystem::path>& roots) {
  with_database(state_->file, [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement statement(state_->database, "INSERT OR IGNORE INTO roots VALUES (?)");
    for (const std::filesystem::path& root : roots) {
      statement.reset();
      bind_path(statement, 1, root);
      statement.exec();
    }
    transaction.commit();
  });
}

void Catalogue::replace_series(std::span<const SeriesRecord> series,
                               std::span<const Issue> issues) {
  with_database(state_->file, [&] {
    SQLite::Database& database = state_->database;
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    std::map<std::string, std::string> splits;
    std::map<std::string, std::string> dropped;
    SQLite::Statement old(database, "SELECT key, patient, split, dropped_because FROM series");
    while (old.executeStep()) {
      splits[old.getColumn(1).getString()] = old.getColumn(2).getString();
      dropped[old.getColumn(0).getString()] = old.getColumn(3).getString();
    }
    database.exec("DELETE FROM series");
    database.exec("DELETE FROM issues");
    std::string marks = "?";
    for (int n = 1; n < kSeriesColumnCount; ++n) {
      marks += ", ?";
    }
    SQLite::Statement insert(
        database, fmt::format("INSERT INTO series ({}) VALUES ({})", kSeriesColumns, marks));
    for (SeriesRecord record : series) {
      if (record.split.empty()) {
        record.split = splits[record.patient];
      }
      if (record.dropped_because.empty()) {
        record.dropped_because = dropped[record.key];
      }
      bind_series(insert, record);
      insert.exec();
    }
    SQLite::Statement note(
        database,
        "INSERT INTO issues (path, code, reason_code, reason, advice) VALUES (?, ?, ?, ?, ?)");
    for (const Issue& issue : issues) {
      note.reset();
      bind_path(note, 1, issue.path);
      note.bind(2, static_cast<int>(issue.code));
      note.bind(3, issue.reason_code);
      note.bind(4, issue.reason);
      note.bind(5, issue.advice);
      note.exec();
    }
    transaction.commit();
  });
}

void Catalogue::set_splits(const std::map<std::string, std::string>& split_of_patient) {
  with_database(state_->file, [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    state_->database.exec("UPDATE series SET split = ''");
    SQLite::Statement update(state_->database, "UPDATE series SET split = ? WHERE patient = ?");
    for (const auto& [patient, split] : split_of_patient) {
      update.reset();
      update.bind(1, split);
      update.bind(2, patient);
      update.exec();
    }
    transaction.commit();
  });
}

void Catalogue::set_dropped(const std::map<std::string, std::string>& because_of_series) {
  with_database(state_->file, [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    state_->database.exec("UPDATE series SET dropped_because = ''");
    SQLite::Statement update(state_->database,
                             "UPDATE series SET dropped_because = ? WHERE key = ?");
    for (const auto& [key, because] : because_of_series) {
      update.reset();
      update.bind(1, because);
      update.bind(2, key);
      update.exec();
    }
    transaction.commit();
  });
}

void Catalogue::for_each_stamp(
    const std::function<void(const std::filesystem::path&, const FileStamp&)>& visit) const {
  with_database(state_->file, [&] {
    SQLite::Statement statement(state_->database,
                                "SELECT path, size, modified_ns, inode FROM files ORDER BY path");
    while (statement.executeStep()) {
      visit(path_of_column(statement.getColumn(0)),
            {statement.getColumn(1).getInt64(),
             statement.getColumn(2).getInt64(),
             statement.getColumn(3).getInt64()});
    }
  });
}

void Catalogue::for_each_file(const std::function<void(FileRecord)>& visit) const {
  with_database(state_->file, [&] {
    SQLite::Statement statement(
        state_->database,
        "SELECT path, size, modified_ns, inode, headers.facts, own FROM files JOIN headers ON "
        "headers.id = files.header ORDER BY series, path");
    while (statement.executeStep()) {
      visit(State::file_of_row(statement));
    }
  });
}

std::optional<FileRecord> Catalogue::file_record(const std::filesystem::path& path) const {
  return with_database(state_->file, [&]() -> std::optional<FileRecord> {
    SQLite::Statement statement(
        state_->database,
        "SELECT path, size, modified_ns, inode, headers.facts, own FROM files JOIN headers ON "
        "headers.id = files.header WHERE path = ?");
    bind_path(statement, 1, path);
    if (!statement.executeStep()) {
      return std::nullopt;
    }
    return State::file_of_row(statement);
  });
}

void Catalogue::put_files(std::span<const FileRecord> files) {
  with_database(state_->file, [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement header(state_->database, "INSERT OR IGNORE INTO headers VALUES (?, ?)");
    SQLite::Statement file(state_->database,
                           "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const FileRecord& record : files) {
      const FileRow row = pack_file(record.facts);
      header.reset();
      header.bind(1, row.header_id);
      header.bind(2, row.header);
      header.exec();
      file.reset();
      bind_path(file, 1, record.facts.file);
      file.bind(2, record.stamp.size);
      file.bind(3, record.stamp.modified_ns);
      file.bind(4, record.stamp.inode);
      file.bind(5, row.series);
      file.bind(6, row.header_id);
      file.bind(7, row.own);
      file.exec();
    }
    transaction.commit();
  });
}

void Catalogue::remove_files(std::span<const std::filesystem::path> files) {
  with_database(state_->file, [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement statement(state_->database, "DELETE FROM files WHERE path = ?");
    for (const std::filesystem::path& file : files) {
      statement.reset();
      bind_path(statement, 1, file);
      statement.exec();
    }
    state_->database.exec("DELETE FROM headers WHERE id NOT IN (SELECT header FROM files)");
    transaction.commit();
  });
}

}  // namespace marrow
