#include "io/catalogue/catalogue.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"
#include "io/catalogue/blobs.h"
#include "io/catalogue/catalogue_state.h"
#include "io/catalogue/packed_paths.h"
#include "io/catalogue/select.h"
#include "io/catalogue/series_rows.h"

namespace marrow {

namespace {

constexpr std::size_t kShortestKeyStart = 4;

std::vector<SeriesRecord> series_where(SQLite::Database& database,
                                       const std::string& condition,
                                       const std::vector<std::string>& values = {}) {
  SQLite::Statement statement(
      database, fmt::format("SELECT {} FROM series {} ORDER BY key", kSeriesColumns, condition));
  for (std::size_t n = 0; n < values.size(); ++n) {
    statement.bind(static_cast<int>(n) + 1, values[n]);
  }
  std::vector<SeriesRecord> records;
  while (statement.executeStep()) {
    records.push_back(series_from_row(statement));
  }
  return records;
}

// Those with a file that is `path` or lies below it. Only these are kept in memory.
std::vector<SeriesRecord> series_at(SQLite::Database& database, const std::filesystem::path& path) {
  const std::string inside = (path / "").native();
  SQLite::Statement statement(
      database, fmt::format("SELECT {}, files FROM series ORDER BY key", kSeriesColumns));
  std::vector<SeriesRecord> records;
  while (statement.executeStep()) {
    const std::vector<std::filesystem::path> files =
        unpack_paths(blob_of(statement.getColumn(kSeriesColumnCount)));
    if (std::any_of(files.begin(), files.end(), [&](const std::filesystem::path& file) {
          return file == path || file.native().starts_with(inside);
        })) {
      records.push_back(series_from_row(statement));
    }
  }
  return records;
}

}  // namespace

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

void Catalogue::name_with(const std::string& salt) {
  with_database(state_->file, [&] { set_meta_value(state_->database, "salt", salt); });
  state_->salt = salt;
}

std::vector<SeriesRecord> Catalogue::series() const {
  return with_database(state_->file, [&] { return series_where(state_->database, ""); });
}

std::vector<SeriesRecord> Catalogue::select(const std::string& where) const {
  const std::vector<std::string> keys = select_keys(state_->file, where);
  return with_database(state_->file, [&] {
    SQLite::Statement statement(state_->database,
                                fmt::format("SELECT {} FROM series WHERE key = ?", kSeriesColumns));
    std::vector<SeriesRecord> records;
    for (const std::string& key : keys) {
      statement.reset();
      statement.bind(1, key);
      if (statement.executeStep()) {
        records.push_back(series_from_row(statement));
      }
    }
    return records;
  });
}

std::optional<SeriesRecord> Catalogue::series_of_key(const std::string& key) const {
  return with_database(state_->file, [&]() -> std::optional<SeriesRecord> {
    std::vector<SeriesRecord> records = series_where(state_->database, "WHERE key = ?", {key});
    return records.empty() ? std::nullopt : std::optional(std::move(records.front()));
  });
}

std::vector<SeriesRecord> Catalogue::find(const std::string& text) const {
  const bool hex = !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (hex && text.size() >= kShortestKeyStart && text.size() <= 16) {
    std::vector<SeriesRecord> records = with_database(state_->file, [&] {
      return series_where(state_->database, "WHERE key >= ?1 AND key < ?1 || 'g'", {text});
    });
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
    std::vector<SeriesRecord> records = with_database(state_->file, [&] {
      return series_where(state_->database, "WHERE key = ? OR owner = ?", {series, "d" + series});
    });
    if (!records.empty()) {
      return records;
    }
  }
  const std::filesystem::path path = std::filesystem::absolute(text).lexically_normal();
  std::vector<SeriesRecord> records =
      with_database(state_->file, [&] { return series_at(state_->database, path); });
  if (records.empty()) {
    // A copy that was left out is among the files of no series.
    records = with_database(state_->file, [&] {
      const std::string owner = state_->files->owner(path);
      return owner.empty() ? std::vector<SeriesRecord>()
                           : series_where(state_->database, "WHERE owner = ?", {owner});
    });
  }
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

std::vector<SeriesRecord> Catalogue::siblings(const SeriesRecord& record) const {
  return with_database(state_->file, [&] {
    return series_where(
        state_->database, "WHERE owner = (SELECT owner FROM series WHERE key = ?)", {record.key});
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
    SeriesWriter writer(database);
    for (SeriesRecord record : series) {
      if (record.split.empty()) {
        record.split = splits[record.patient];
      }
      if (record.dropped_because.empty()) {
        record.dropped_because = dropped[record.key];
      }
      writer.add(record, "");
    }
    for (const Issue& issue : issues) {
      writer.add(issue, "", "");
    }
    set_meta_value(database, "issues_file", "old");
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

}  // namespace marrow
