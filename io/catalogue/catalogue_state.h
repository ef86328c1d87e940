#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <SQLiteCpp/SQLiteCpp.h>

#include "io/catalogue/catalogue.h"
#include "io/catalogue/database.h"
#include "io/catalogue/file_table.h"
#include "io/catalogue/series_update.h"

namespace marrow {

struct Catalogue::State {
  std::filesystem::path file;
  SQLite::Database database;
  std::string salt;
  std::optional<FileTable> files;
  std::optional<FoundIssues> found;  // when it may be written

  State(const std::filesystem::path& path, bool write)
      : file(path), database(open_catalogue(path, write)) {
    with_database(file, [&] {
      salt = meta_value(database, "salt");
      files.emplace(database);
      if (write) {
        found.emplace(database);
      }
    });
  }
};

}  // namespace marrow
