#pragma once

#include <filesystem>
#include <utility>

#include <SQLiteCpp/SQLiteCpp.h>

namespace marrow {

// SQLite's failures as ours, with the file's name.
[[noreturn]] void throw_as_error(const SQLite::Exception& exception,
                                 const std::filesystem::path& file);

template <class Work>
auto with_database(const std::filesystem::path& file, Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const SQLite::Exception& exception) {
    throw_as_error(exception, file);
  }
}

// Opens the catalogue and checks its version; makes it when `create` and it is missing.
[[nodiscard]] SQLite::Database open_catalogue(const std::filesystem::path& file, bool write);

}  // namespace marrow
