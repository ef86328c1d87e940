#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "io/worker/file_facts.h"

namespace marrow {

// A NIfTI, NRRD or MetaImage file and what the files around it say of it.
struct KnownVolumeFile {
  FileFacts facts;
  std::filesystem::path place;  // from the archive's name on, wherever the archive lies
  std::int64_t copy = 1;        // of the files with this place, by path, from 1
  std::string patient;          // "sub-..." | "folder ..." | the name without channel and endings
};

// The NIfTI, NRRD and MetaImage files of a catalogue, a row each, as each is a series of its own.
// Whose patient or key may change with a file that comes or goes is noted in the table `dirty`.
// Throws SQLite::Exception.
class VolumeFileTable {
 public:
  explicit VolumeFileTable(SQLite::Database& database);

  void put(std::int64_t folder, const std::string& name, const std::string& facts);
  // Nothing happens when it is no such file.
  void remove(std::int64_t folder, const std::string& name);
  // Empty when it is no such file.
  [[nodiscard]] std::string facts(std::int64_t folder, const std::string& name);

  // "v" + id; empty when it is no such file.
  [[nodiscard]] std::string owner(std::int64_t folder, const std::string& name);

  // Names of files in `folder` whose voxels lie in a file of their own, as NRRD and MetaImage
  // headers say it; NIfTI pairs say it with their names.
  [[nodiscard]] std::vector<std::string> detached(std::int64_t folder);

  // Sets the places of files that have none (of all, when `all`), and notes those that share one.
  void place_files(std::span<const std::filesystem::path> roots, bool all);
  // The file of an owner "v" + id; nothing when it is gone.
  [[nodiscard]] std::optional<KnownVolumeFile> file(const std::string& owner);

 private:
  void mark_neighbours(std::int64_t folder, const std::string& stem);
  [[nodiscard]] std::string patient(std::int64_t folder,
                                    const std::string& stem,
                                    const std::filesystem::path& file);
  [[nodiscard]] std::int64_t copy_number(const std::string& place,
                                         const std::filesystem::path& file);

  SQLite::Database& database_;
  SQLite::Statement put_, find_, drop_, mark_, mark_place_, mark_stem_, mark_folder_, facts_, file_,
      generic_, same_place_;
};

}  // namespace marrow
