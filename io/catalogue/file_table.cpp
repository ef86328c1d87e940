#include "io/catalogue/file_table.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "io/catalogue/blobs.h"
#include "io/catalogue/packed_stamps.h"

namespace marrow {

FileTable::FileTable(SQLite::Database& database, std::size_t chunk_files)
    : database_(database),
      chunk_files_(chunk_files),
      volumes_(database),
      find_folder_(database, "SELECT id FROM folders WHERE path = ?"),
      add_folder_(database, "INSERT INTO folders (path) VALUES (?)"),
      chunk_at_(database,
                "SELECT id, start FROM chunks WHERE folder = ? AND start <= ? ORDER BY start DESC "
                "LIMIT 1"),
      next_chunk_(database,
                  "SELECT start FROM chunks WHERE folder = ? AND start > ? ORDER BY start LIMIT 1"),
      chunk_stamps_(database, "SELECT stamps FROM chunks WHERE id = ?"),
      folder_stamps_(database, "SELECT stamps FROM chunks WHERE folder = ? ORDER BY start"),
      add_chunk_(database,
                 "INSERT INTO chunks (folder, start, file_count, stamps) VALUES (?, ?, ?, ?)"),
      write_chunk_(database, "UPDATE chunks SET file_count = ?, stamps = ? WHERE id = ?"),
      drop_chunk_(database, "DELETE FROM chunks WHERE id = ?"),
      chunk_parts_(database, "SELECT id, owner, facts FROM parts WHERE chunk = ?"),
      add_part_(database, "INSERT INTO parts (owner, chunk, facts) VALUES (?, ?, ?)"),
      write_part_(database, "UPDATE parts SET facts = ? WHERE id = ?"),
      drop_part_(database, "DELETE FROM parts WHERE id = ?"),
      drop_parts_(database, "DELETE FROM parts WHERE chunk = ?"),
      mark_(database, "INSERT OR IGNORE INTO dirty VALUES (?)"),
      owner_parts_(database,
                   "SELECT parts.facts, folders.path FROM parts JOIN chunks ON chunks.id = "
                   "parts.chunk JOIN folders ON folders.id = chunks.folder WHERE owner = ?"),
      refused_part_(database,
                    "SELECT parts.facts, folders.path FROM parts JOIN chunks ON chunks.id = "
                    "parts.chunk JOIN folders ON folders.id = chunks.folder WHERE owner = 'x' AND "
                    "chunk = ?") {}

// Takes a chunk in, changes it, and writes what is different.
class FileTable::ChunkEdit {
 public:
  ChunkEdit(FileTable& table, std::int64_t folder, Chunk chunk)
      : table_(table), folder_(folder), chunk_(std::move(chunk)) {
    if (chunk_.id != 0) {
      read();
    }
  }

  void change(std::span<const FileChange> changes) {
    merge(changes);
    if (!replaced_.empty() || stamps_.size() > table_.chunk_files_) {
      for (auto& [owner, part] : parts_) {
        unpack(part, owner);
      }
    }
    forget_replaced();
    for (const FileChange& change : changes) {
      if (change.now && change.now->facts.owner == "v") {
        table_.volumes_.put(folder_, change.name, change.now->facts.shared);
      } else if (change.now) {
        Part& part = parts_[change.now->facts.owner];
        unpack(part, change.now->facts.owner);
        part.files.push_back({change.name, change.now->facts});
        part.changed = true;
      }
    }
    for (auto& [owner, part] : parts_) {
      if (part.changed) {
        std::sort(part.files.begin(), part.files.end(), [](const PartFile& a, const PartFile& b) {
          return a.name < b.name;
        });
      }
    }
    write();
  }

 private:
  void read() {
    table_.chunk_stamps_.reset();
    table_.chunk_stamps_.bind(1, chunk_.id);
    MARROW_CHECK(table_.chunk_stamps_.executeStep());
    const std::string bytes = blob_of(table_.chunk_stamps_.getColumn(0));
    table_.chunk_stamps_.reset();
    StampReader reader(bytes);
    while (reader.next()) {
      stamps_.push_back({reader.name(), reader.stamp()});
    }
    SQLite::Statement& parts = table_.chunk_parts_;
    parts.reset();
    parts.bind(1, chunk_.id);
    while (parts.executeStep()) {
      parts_[parts.getColumn(1).getString()] = {
          parts.getColumn(0).getInt64(), blob_of(parts.getColumn(2)), {}, false};
    }
    parts.reset();
  }

  static void unpack(Part& part, const std::string& owner) {
    if (!part.bytes.empty()) {
      part.files = unpack_part(part.bytes, owner);
      part.bytes.clear();
    }
  }

  void merge(std::span<const FileChange> changes) {
    appended_ = stamps_.empty() || changes.front().name > stamps_.back().name;
    std::vector<StampedName> merged;
    merged.reserve(stamps_.size() + changes.size());
    auto old = stamps_.begin();
    for (const FileChange& change : changes) {
      while (old != stamps_.end() && old->name < change.name) {
        merged.push_back(std::move(*old++));
      }
      if (old != stamps_.end() && old->name == change.name) {
        replaced_.insert(change.name);
        ++old;
      }
      if (change.now) {
        merged.push_back({change.name, change.now->stamp});
      }
    }
    std::move(old, stamps_.end(), std::back_inserter(merged));
    stamps_ = std::move(merged);
  }

  void forget_replaced() {
    std::set<std::string> not_found = replaced_;
    for (auto& [owner, part] : parts_) {
      const std::size_t removed = std::erase_if(
          part.files, [&](const PartFile& file) { return not_found.erase(file.name) > 0; });
      part.changed |= removed > 0;
    }
    for (const std::string& name : not_found) {
      table_.volumes_.remove(folder_, name);
    }
  }

  void write() {
    if (stamps_.size() > table_.chunk_files_) {
      split();
      return;
    }
    if (stamps_.empty()) {
      if (chunk_.id != 0) {
        table_.drop_chunk_.reset();
        table_.drop_chunk_.bind(1, chunk_.id);
        table_.drop_chunk_.exec();
      }
    } else {
      write_stamps(chunk_, stamps_);
    }
    for (auto& [owner, part] : parts_) {
      if (part.changed) {
        write_part(owner, part);
        table_.mark(owner, chunk_.id);
      }
    }
  }

  void write_part(const std::string& owner, const Part& part) {
    if (part.id == 0) {
      insert_part(chunk_.id, owner, part.files);
      return;
    }
    SQLite::Statement& statement = part.files.empty() ? table_.drop_part_ : table_.write_part_;
    statement.reset();
    const std::string bytes = pack_part(part.files);
    if (part.files.empty()) {
      statement.bind(1, part.id);
    } else {
      bind_blob(statement, 1, bytes);
      statement.bind(2, part.id);
    }
    statement.exec();
  }

  void insert_part(std::int64_t chunk,
                   const std::string& owner,
                   const std::vector<PartFile>& files) {
    if (files.empty()) {
      return;
    }
    const std::string bytes = pack_part(files);
    SQLite::Statement& statement = table_.add_part_;
    statement.reset();
    statement.bind(1, owner);
    statement.bind(2, chunk);
    bind_blob(statement, 3, bytes);
    statement.exec();
  }

  void write_stamps(Chunk& chunk, std::span<const StampedName> stamps) {
    StampPacker packer;
    for (const StampedName& file : stamps) {
      packer.add(file.name, file.stamp);
    }
    const auto count = static_cast<std::int64_t>(stamps.size());
    SQLite::Statement& statement = chunk.id == 0 ? table_.add_chunk_ : table_.write_chunk_;
    statement.reset();
    if (chunk.id == 0) {
      statement.bind(1, folder_);
      bind_blob(statement, 2, chunk.start);
      statement.bind(3, count);
      bind_blob(statement, 4, packer.bytes());
      statement.exec();
      chunk.id = table_.database_.getLastInsertRowid();
    } else {
      statement.bind(1, count);
      bind_blob(statement, 2, packer.bytes());
      statement.bind(3, chunk.id);
      statement.exec();
    }
  }

  // Into chunks that are full when the files came behind the known ones, as they do in a first
  // scan, else of equal size, so that further files find room.
  void split() {
    for (const auto& [owner, part] : parts_) {
      if (part.changed || owner == "x") {
        table_.mark(owner, chunk_.id);
      }
    }
    table_.drop_parts_.reset();
    table_.drop_parts_.bind(1, chunk_.id);
    table_.drop_parts_.exec();
    const std::size_t most = table_.chunk_files_;
    const std::size_t pieces = (stamps_.size() + most - 1) / most;
    const std::size_t even = (stamps_.size() + pieces - 1) / pieces;
    const std::size_t step = appended_ ? most : even;
    for (std::size_t first = 0; first < stamps_.size(); first += step) {
      const std::size_t end = std::min(first + step, stamps_.size());
      Chunk chunk = first == 0 ? chunk_ : Chunk{0, stamps_[first].name};
      write_stamps(chunk, std::span(stamps_).subspan(first, end - first));
      write_parts_of_piece(chunk.id, end < stamps_.size() ? stamps_[end].name : std::string());
    }
  }

  // Moves the files before `end` (all when it is empty) out of the parts.
  void write_parts_of_piece(std::int64_t chunk, const std::string& end) {
    for (auto& [owner, part] : parts_) {
      const auto rest = end.empty()
                            ? part.files.end()
                            : std::lower_bound(part.files.begin(),
                                               part.files.end(),
                                               end,
                                               [](const PartFile& file, const std::string& name) {
                                                 return file.name < name;
                                               });
      std::vector<PartFile> files(std::make_move_iterator(part.files.begin()),
                                  std::make_move_iterator(rest));
      part.files.erase(part.files.begin(), rest);
      insert_part(chunk, owner, files);
      if (owner == "x" && !files.empty()) {
        table_.mark(owner, chunk);
      }
    }
  }

  FileTable& table_;
  std::int64_t folder_;
  Chunk chunk_;
  std::vector<StampedName> stamps_;
  std::map<std::string, Part> parts_;
  std::set<std::string> replaced_;  // names that were known
  bool appended_ = false;
};

void FileTable::change(const FolderChange& change) {
  const bool adds = std::any_of(change.files.begin(),
                                change.files.end(),
                                [](const FileChange& file) { return file.now.has_value(); });
  const std::int64_t folder = adds ? make_folder(change.folder) : folder_id(change.folder);
  if (folder == 0) {
    return;
  }
  for (auto first = change.files.begin(); first != change.files.end();) {
    Chunk chunk = chunk_of(folder, first->name);
    const std::optional<std::string> next = next_start(folder, chunk.start);
    const auto end = next ? std::find_if(first,
                                         change.files.end(),
                                         [&](const FileChange& file) { return file.name >= *next; })
                          : change.files.end();
    ChunkEdit(*this, folder, std::move(chunk)).change(std::span(first, end));
    first = end;
  }
  if (!adds) {
    SQLite::Statement drop(database_,
                           "DELETE FROM folders WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM chunks "
                           "WHERE folder = ?1)");
    drop.bind(1, folder);
    drop.exec();
  }
}

std::int64_t FileTable::folder_id(const std::filesystem::path& folder) {
  find_folder_.reset();
  bind_blob(find_folder_, 1, folder.native());
  const std::int64_t id = find_folder_.executeStep() ? find_folder_.getColumn(0).getInt64() : 0;
  find_folder_.reset();
  return id;
}

std::int64_t FileTable::make_folder(const std::filesystem::path& folder) {
  if (const std::int64_t id = folder_id(folder); id != 0) {
    return id;
  }
  add_folder_.reset();
  bind_blob(add_folder_, 1, folder.native());
  add_folder_.exec();
  return database_.getLastInsertRowid();
}

// The first chunk of a folder takes whatever sorts before it, too.
FileTable::Chunk FileTable::chunk_of(std::int64_t folder, const std::string& name) {
  chunk_at_.reset();
  chunk_at_.bind(1, folder);
  bind_blob(chunk_at_, 2, name);
  Chunk chunk;
  if (chunk_at_.executeStep()) {
    chunk = {chunk_at_.getColumn(0).getInt64(), blob_of(chunk_at_.getColumn(1))};
  }
  chunk_at_.reset();
  return chunk;
}

std::optional<std::string> FileTable::next_start(std::int64_t folder, const std::string& start) {
  next_chunk_.reset();
  next_chunk_.bind(1, folder);
  bind_blob(next_chunk_, 2, start);
  std::optional<std::string> next;
  if (next_chunk_.executeStep()) {
    next = blob_of(next_chunk_.getColumn(0));
  }
  next_chunk_.reset();
  return next;
}

void FileTable::mark(const std::string& owner, std::int64_t chunk) {
  const std::string unit = owner == "x" ? fmt::format("x{}", chunk) : owner;
  mark_.reset();
  mark_.bind(1, unit);
  mark_.exec();
}

void FileTable::for_each_stamp(
    std::int64_t folder, const std::function<void(const std::string&, const FileStamp&)>& visit) {
  folder_stamps_.reset();
  folder_stamps_.bind(1, folder);
  while (folder_stamps_.executeStep()) {
    const SQLite::Column stamps = folder_stamps_.getColumn(0);
    StampReader reader(
        {static_cast<const char*>(stamps.getBlob()), static_cast<std::size_t>(stamps.getBytes())});
    while (reader.next()) {
      visit(reader.name(), reader.stamp());
    }
  }
  folder_stamps_.reset();
}

std::optional<KnownFile> FileTable::find(const std::filesystem::path& file) {
  const std::int64_t folder = folder_id(file.parent_path());
  const std::string name = file.filename().native();
  const Chunk chunk = chunk_of(folder, name);
  if (folder == 0 || chunk.id == 0) {
    return std::nullopt;
  }
  chunk_stamps_.reset();
  chunk_stamps_.bind(1, chunk.id);
  MARROW_CHECK(chunk_stamps_.executeStep());
  const std::string stamps = blob_of(chunk_stamps_.getColumn(0));
  chunk_stamps_.reset();
  StampReader reader(stamps);
  bool found = false;
  while (!found && reader.next()) {
    found = reader.name() == name;
  }
  if (!found) {
    return std::nullopt;
  }
  std::optional<KnownFile> known;
  chunk_parts_.reset();
  chunk_parts_.bind(1, chunk.id);
  while (!known && chunk_parts_.executeStep()) {
    const std::string owner = chunk_parts_.getColumn(1).getString();
    for (PartFile& one : unpack_part(blob_of(chunk_parts_.getColumn(2)), owner)) {
      if (one.name == name) {
        known = KnownFile{reader.stamp(), std::move(one.facts)};
      }
    }
  }
  chunk_parts_.reset();
  if (!known) {
    known = KnownFile{reader.stamp(), {"v", volumes_.facts(folder, name), "", ""}};
  }
  return known;
}

std::vector<DicomHeader> FileTable::headers(const std::string& owner) {
  std::vector<DicomHeader> headers;
  owner_parts_.reset();
  owner_parts_.bind(1, owner);
  while (owner_parts_.executeStep()) {
    const SQLite::Column facts = owner_parts_.getColumn(0);
    append_headers(
        {static_cast<const char*>(facts.getBlob()), static_cast<std::size_t>(facts.getBytes())},
        blob_of(owner_parts_.getColumn(1)),
        headers);
  }
  owner_parts_.reset();
  const auto by_path = [](const DicomHeader& a, const DicomHeader& b) {
    return a.file.native() < b.file.native();
  };
  if (!std::is_sorted(headers.begin(), headers.end(), by_path)) {
    std::sort(headers.begin(), headers.end(), by_path);
  }
  return headers;
}

std::vector<FileFacts> FileTable::refused(const std::string& owner) {
  std::vector<FileFacts> files;
  refused_part_.reset();
  refused_part_.bind(1, std::int64_t{std::stoll(owner.substr(1))});
  while (refused_part_.executeStep()) {
    const std::filesystem::path folder = blob_of(refused_part_.getColumn(1));
    for (const PartFile& file : unpack_part(blob_of(refused_part_.getColumn(0)), "x")) {
      files.push_back(unpack_facts(file.facts, folder / file.name));
    }
  }
  refused_part_.reset();
  return files;
}

std::string FileTable::owner(const std::filesystem::path& file) {
  const std::optional<KnownFile> known = find(file);
  if (!known || known->facts.owner == "x") {
    return {};
  }
  return known->facts.owner == "v"
             ? volumes_.owner(folder_id(file.parent_path()), file.filename().native())
             : known->facts.owner;
}

std::vector<std::string> FileTable::files_with_partners(std::int64_t folder) {
  std::vector<std::string> names = volumes_.detached(folder);
  SQLite::Statement parts(database_,
                          "SELECT facts FROM parts JOIN chunks ON chunks.id = parts.chunk WHERE "
                          "folder = ? AND owner = 'x'");
  parts.bind(1, folder);
  while (parts.executeStep()) {
    for (PartFile& file : unpack_part(blob_of(parts.getColumn(0)), "x")) {
      if (unpack_facts(file.facts, file.name).refusal()->reason_code != "not-an-image") {
        names.push_back(std::move(file.name));
      }
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace marrow
