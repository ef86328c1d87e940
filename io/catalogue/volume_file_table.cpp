#include "io/catalogue/volume_file_table.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/byte_fields.h"
#include "io/catalogue/blobs.h"
#include "io/file_endings.h"

namespace marrow {

namespace {

constexpr int kFewFiles = 12;  // a folder of one patient holds few images

// Name without extensions and channel number: "case_003_0001.nii.gz" -> "case_003".
std::string volume_stem(const std::string& name) {
  std::string stem = without_image_ending(name);
  const bool channel =
      stem.size() > 5 && stem[stem.size() - 5] == '_' &&
      std::all_of(stem.end() - 4, stem.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (channel) {
    stem.resize(stem.size() - 5);
  }
  return stem;
}

std::string bids_subject(const std::filesystem::path& file) {
  for (const std::filesystem::path& part : file) {
    const std::string& name = part.native();
    if (name.starts_with("sub-") && name.size() > 4) {
      return name.substr(0, name.find_first_of("_."));
    }
  }
  return {};
}

std::filesystem::path place_in_archive(const std::filesystem::path& file,
                                       std::span<const std::filesystem::path> roots) {
  for (const std::filesystem::path& root : roots) {
    const std::filesystem::path inside = file.lexically_relative(root);
    if (!inside.empty() && *inside.begin() != ".." && *inside.begin() != ".") {
      return root.filename() / inside;
    }
  }
  return file.filename();
}

}  // namespace

VolumeFileTable::VolumeFileTable(SQLite::Database& database)
    : database_(database),
      put_(database, "INSERT INTO volume_files (folder, name, stem, facts) VALUES (?, ?, ?, ?)"),
      find_(database, "SELECT id, stem, place FROM volume_files WHERE folder = ? AND name = ?"),
      drop_(database, "DELETE FROM volume_files WHERE id = ?"),
      mark_(database, "INSERT OR IGNORE INTO dirty VALUES ('v' || ?)"),
      mark_place_(database,
                  "INSERT OR IGNORE INTO dirty SELECT 'v' || id FROM volume_files WHERE place = ?"),
      // A name is generic when it stands in several folders: that may have changed when the folder
      // is the first or second to hold it, or has just lost it.
      mark_stem_(
          database,
          "INSERT OR IGNORE INTO dirty SELECT 'v' || id FROM volume_files WHERE stem = ?1 AND "
          "(SELECT count(*) FROM (SELECT DISTINCT folder FROM volume_files WHERE stem = ?1 LIMIT "
          "3)) < 3 AND (SELECT count(*) FROM (SELECT 1 FROM volume_files WHERE stem = ?1 AND "
          "folder "
          "= ?2 LIMIT 2)) < 2"),
      mark_folder_(
          database,
          fmt::format("INSERT OR IGNORE INTO dirty SELECT 'v' || id FROM volume_files WHERE "
                      "folder = ?1 AND (SELECT count(*) FROM (SELECT 1 FROM volume_files WHERE "
                      "folder = ?1 LIMIT {0})) < {0}",
                      kFewFiles + 2)),
      facts_(database, "SELECT facts FROM volume_files WHERE folder = ? AND name = ?"),
      file_(
          database,
          "SELECT folder, folders.path, name, stem, place, facts FROM volume_files JOIN folders ON "
          "folders.id = folder WHERE volume_files.id = ?"),
      generic_(database,
               fmt::format(
                   "SELECT (SELECT count(*) FROM (SELECT DISTINCT folder FROM volume_files WHERE "
                   "stem = ?1 LIMIT 2)) > 1 AND (SELECT count(*) FROM (SELECT 1 FROM volume_files "
                   "WHERE folder = ?2 LIMIT {})) <= {}",
                   kFewFiles + 1,
                   kFewFiles)),
      same_place_(
          database,
          "SELECT folders.path, name FROM volume_files JOIN folders ON folders.id = folder WHERE "
          "place = ?") {}

void VolumeFileTable::put(std::int64_t folder, const std::string& name, const std::string& facts) {
  const std::string stem = volume_stem(name);
  put_.reset();
  put_.bind(1, folder);
  bind_blob(put_, 2, name);
  bind_blob(put_, 3, stem);
  bind_blob(put_, 4, facts);
  put_.exec();
  mark_.reset();
  mark_.bind(1, database_.getLastInsertRowid());
  mark_.exec();
  mark_neighbours(folder, stem);
}

void VolumeFileTable::remove(std::int64_t folder, const std::string& name) {
  find_.reset();
  find_.bind(1, folder);
  bind_blob(find_, 2, name);
  if (!find_.executeStep()) {
    find_.reset();
    return;
  }
  const std::int64_t id = find_.getColumn(0).getInt64();
  const std::string stem = blob_of(find_.getColumn(1));
  const std::string place = blob_of(find_.getColumn(2));
  find_.reset();
  mark_.reset();
  mark_.bind(1, id);
  mark_.exec();
  mark_place_.reset();
  bind_blob(mark_place_, 1, place);
  mark_place_.exec();
  drop_.reset();
  drop_.bind(1, id);
  drop_.exec();
  mark_neighbours(folder, stem);
}

void VolumeFileTable::mark_neighbours(std::int64_t folder, const std::string& stem) {
  mark_stem_.reset();
  bind_blob(mark_stem_, 1, stem);
  mark_stem_.bind(2, folder);
  mark_stem_.exec();
  mark_folder_.reset();
  mark_folder_.bind(1, folder);
  mark_folder_.exec();
}

std::string VolumeFileTable::facts(std::int64_t folder, const std::string& name) {
  facts_.reset();
  facts_.bind(1, folder);
  bind_blob(facts_, 2, name);
  std::string facts = facts_.executeStep() ? blob_of(facts_.getColumn(0)) : std::string();
  facts_.reset();
  return facts;
}

std::string VolumeFileTable::owner(std::int64_t folder, const std::string& name) {
  find_.reset();
  find_.bind(1, folder);
  bind_blob(find_, 2, name);
  std::string owner =
      find_.executeStep() ? fmt::format("v{}", find_.getColumn(0).getInt64()) : std::string();
  find_.reset();
  return owner;
}

std::vector<std::string> VolumeFileTable::detached(std::int64_t folder) {
  SQLite::Statement rows(database_, "SELECT name, facts FROM volume_files WHERE folder = ?");
  rows.bind(1, folder);
  std::vector<std::string> names;
  while (rows.executeStep()) {
    const std::string bytes = blob_of(rows.getColumn(1));
    ByteReader reader(bytes);
    const FileFacts facts = read_facts(reader, "");
    if (facts.volume_file() != nullptr && !facts.volume_file()->data_file.empty()) {
      names.push_back(blob_of(rows.getColumn(0)));
    }
  }
  return names;
}

void VolumeFileTable::place_files(std::span<const std::filesystem::path> roots, bool all) {
  if (all) {
    database_.exec("UPDATE volume_files SET place = NULL");
    database_.exec("INSERT OR IGNORE INTO dirty SELECT 'v' || id FROM volume_files");
  }
  SQLite::Statement without(
      database_,
      "SELECT volume_files.id, folders.path, name FROM volume_files JOIN folders ON "
      "folders.id = folder WHERE place IS NULL LIMIT 1000");
  SQLite::Statement place(database_, "UPDATE volume_files SET place = ? WHERE id = ?");

  struct Row {
    std::int64_t id;
    std::string place;
  };

  for (;;) {
    std::vector<Row> rows;
    without.reset();
    while (without.executeStep()) {
      const std::filesystem::path folder = blob_of(without.getColumn(1));
      rows.push_back({without.getColumn(0).getInt64(),
                      place_in_archive(folder / blob_of(without.getColumn(2)), roots).native()});
    }
    without.reset();
    if (rows.empty()) {
      return;
    }
    for (const Row& row : rows) {
      place.reset();
      bind_blob(place, 1, row.place);
      place.bind(2, row.id);
      place.exec();
      mark_place_.reset();
      bind_blob(mark_place_, 1, row.place);
      mark_place_.exec();
    }
  }
}

std::string VolumeFileTable::patient(std::int64_t folder,
                                     const std::string& stem,
                                     const std::filesystem::path& file) {
  if (std::string subject = bids_subject(file); !subject.empty()) {
    return subject;
  }
  generic_.reset();
  bind_blob(generic_, 1, stem);
  generic_.bind(2, folder);
  const bool generic = generic_.executeStep() && generic_.getColumn(0).getInt() != 0;
  generic_.reset();
  return generic ? "folder " + file.parent_path().filename().native() : stem;
}

// Two archives with one name may hold one file name twice.
std::int64_t VolumeFileTable::copy_number(const std::string& place,
                                          const std::filesystem::path& file) {
  std::int64_t copy = 1;
  same_place_.reset();
  bind_blob(same_place_, 1, place);
  while (same_place_.executeStep()) {
    const std::filesystem::path other = std::filesystem::path(blob_of(same_place_.getColumn(0))) /
                                        blob_of(same_place_.getColumn(1));
    copy += other.native() < file.native() ? 1 : 0;
  }
  same_place_.reset();
  return copy;
}

std::optional<KnownVolumeFile> VolumeFileTable::file(const std::string& owner) {
  file_.reset();
  file_.bind(1, std::int64_t{std::stoll(owner.substr(1))});
  if (!file_.executeStep()) {
    file_.reset();
    return std::nullopt;
  }
  const std::int64_t folder = file_.getColumn(0).getInt64();
  const std::string stem = blob_of(file_.getColumn(3));
  KnownVolumeFile found;
  const std::filesystem::path path =
      std::filesystem::path(blob_of(file_.getColumn(1))) / blob_of(file_.getColumn(2));
  found.place = blob_of(file_.getColumn(4));
  const std::string facts = blob_of(file_.getColumn(5));
  file_.reset();
  ByteReader reader(facts);
  found.facts = read_facts(reader, path);
  found.patient = patient(folder, stem, path);
  found.copy = copy_number(found.place.native(), path);
  return found;
}

}  // namespace marrow
