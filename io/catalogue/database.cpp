#include "io/catalogue/database.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sqlite3.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "io/catalogue/schema.h"

namespace marrow {

namespace {

constexpr int kBusyMilliseconds = 5000;

void make_private_file(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  if (!std::filesystem::exists(folder)) {
    std::filesystem::create_directories(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
  }
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    throw Error(
        ErrorCode::kUnreadable,
        "catalogue: cannot open " + file.string() + " for writing: " + std::strerror(errno));
  }
  ::close(descriptor);
}

void make_tables(SQLite::Database& database) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  if (database.execAndGet("SELECT count(*) FROM sqlite_master").getInt() > 0) {
    return;  // another process was first
  }
  database.exec(kCatalogueSchema);
  database.exec(fmt::format("PRAGMA user_version = {}", kCatalogueVersion));
  database.exec(fmt::format("PRAGMA application_id = {}", kCatalogueApplicationId));
  SQLite::Statement salt(database, "INSERT INTO meta VALUES ('salt', ?)");
  salt.bind(1, random_salt());
  salt.exec();
  transaction.commit();
}

// A writer that was killed leaves a journal, and a connection that only reads cannot roll it back.
void roll_back_journal(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file.string() + "-journal")) {
    return;
  }
  try {
    SQLite::Database database(file.string(), SQLite::OPEN_READWRITE, kBusyMilliseconds);
    static_cast<void>(database.execAndGet("SELECT count(*) FROM sqlite_master"));
  } catch (const SQLite::Exception& exception) {
    throw_as_error(exception, file);
  }
}

}  // namespace

void throw_as_error(const SQLite::Exception& exception, const std::filesystem::path& file) {
  const std::string name = file.string();
  switch (exception.getErrorCode()) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw Error(
          ErrorCode::kUnreadable,
          fmt::format("catalogue: {} is damaged or no catalogue ({}); remove it and scan again",
                      name,
                      exception.what()));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Error(ErrorCode::kRefused,
                  "catalogue: another process is writing " + name + "; wait for it to end");
    case SQLITE_FULL:
      throw Error(ErrorCode::kResources,
                  fmt::format("catalogue: the disk is full while writing {} ({} free)",
                              name,
                              format_bytes(free_disk_bytes(file.parent_path()))));
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
      throw Error(ErrorCode::kUnreadable, fmt::format("catalogue: {}: {}", name, exception.what()));
    default:
      throw Error(ErrorCode::kInternal, fmt::format("catalogue: {}: {}", name, exception.what()));
  }
}

SQLite::Database open_catalogue(const std::filesystem::path& file, bool write) {
  if (write) {
    make_private_file(file);
  } else if (!std::filesystem::exists(file)) {
    throw Error(
        ErrorCode::kNothingFound,
        "catalogue: no file " + file.string() + "; run `marrow scan` first, or give --work");
  }
  if (!write) {
    roll_back_journal(file);
  }
  return with_database(file, [&] {
    SQLite::Database database(
        file.string(), write ? SQLite::OPEN_READWRITE : SQLite::OPEN_READONLY, kBusyMilliseconds);
    if (write && database.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0) {
      make_tables(database);
    }
    const int version = database.execAndGet("PRAGMA user_version").getInt();
    if (database.execAndGet("PRAGMA application_id").getInt() != kCatalogueApplicationId) {
      throw Error(ErrorCode::kUnreadable,
                  "catalogue: " + file.string() + " is another program's database");
    }
    if (version != kCatalogueVersion) {
      throw Error(
          ErrorCode::kUnsupported,
          fmt::format(
              "catalogue: {} has version {} where {} is read; scan into another work folder",
              file.string(),
              version,
              kCatalogueVersion));
    }
    return database;
  });
}

}  // namespace marrow
