#include "io/fingerprint_file.h"

#include <chrono>

#include <SQLiteCpp/SQLiteCpp.h>

#include "core/files.h"
#include "io/catalogue/blobs.h"
#include "io/catalogue/database.h"

namespace marrow {

namespace {

constexpr int kBusyMilliseconds = 5000;
constexpr int kEntriesAtOnce = 256;

}  // namespace

struct FingerprintFile::State {
  std::filesystem::path file;
  SQLite::Database database;
  std::optional<SQLite::Transaction> open;
  int entries = 0;
  std::chrono::steady_clock::time_point since;

  explicit State(const std::filesystem::path& path)
      : file(path),
        database(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyMilliseconds) {
    std::filesystem::permissions(
        path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    database.exec(
        "CREATE TABLE IF NOT EXISTS fingerprints (name TEXT PRIMARY KEY, bytes BLOB NOT NULL) "
        "WITHOUT ROWID");
  }

  void commit() {
    if (open) {
      open->commit();
      open.reset();
      entries = 0;
    }
  }
};

FingerprintFile::FingerprintFile(const std::filesystem::path& file) {
  if (file.has_parent_path()) {
    std::filesystem::create_directories(file.parent_path());
  }
  with_database(file, [&] { state_ = std::make_unique<State>(file); });
}

FingerprintFile::~FingerprintFile() {
  try {
    state_->commit();
  } catch (const SQLite::Exception&) {  // the entries are read again next time
  }
}

std::optional<std::string> FingerprintFile::find(const std::string& name) {
  return with_database(state_->file, [&]() -> std::optional<std::string> {
    SQLite::Statement query(state_->database, "SELECT bytes FROM fingerprints WHERE name = ?");
    query.bind(1, name);
    return query.executeStep() ? std::optional(blob_of(query.getColumn(0))) : std::nullopt;
  });
}

void FingerprintFile::keep(const std::string& name, const std::string& bytes) {
  with_database(state_->file, [&] {
    if (!state_->open) {
      state_->open.emplace(state_->database);
      state_->since = std::chrono::steady_clock::now();
    }
    SQLite::Statement put(state_->database, "INSERT OR REPLACE INTO fingerprints VALUES (?, ?)");
    put.bind(1, name);
    bind_blob(put, 2, bytes);
    put.exec();
    if (++state_->entries >= kEntriesAtOnce ||
        std::chrono::steady_clock::now() - state_->since > std::chrono::seconds(1)) {
      state_->commit();
    }
  });
}

void FingerprintFile::commit() {
  with_database(state_->file, [&] { state_->commit(); });
}

}  // namespace marrow
