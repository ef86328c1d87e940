#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "io/catalogue/file_rows.h"
#include "io/catalogue/file_stamp.h"
#include "io/catalogue/volume_file_table.h"

namespace marrow {

// What is known of one file.
struct KnownFile {
  FileStamp stamp;
  PackedFacts facts;
};

struct FileChange {
  std::string name;
  std::optional<KnownFile> now;  // absent: the file is gone
};

// Files of one folder that are new, changed or gone; by name, each once.
struct FolderChange {
  std::filesystem::path folder;
  std::vector<FileChange> files;
};

// What is known of every file, in the tables folders, chunks, parts and volume_files. A chunk is up
// to kChunkFiles files of a folder that follow each other by name, a part what is known of those of
// them that belong to one series (or are refused). So neither a folder of a million files nor a
// series over many folders is written as a whole for one file. Owners whose files changed are noted
// in the table `dirty`. Throws SQLite::Exception.
class FileTable {
 public:
  static constexpr std::size_t kChunkFiles = 1024;

  // `chunk_files`: of new chunks; tests make it small.
  explicit FileTable(SQLite::Database& database, std::size_t chunk_files = kChunkFiles);

  // To be called inside a transaction.
  void change(const FolderChange& change);

  // 0 when the folder is not known.
  [[nodiscard]] std::int64_t folder_id(const std::filesystem::path& folder);
  // By name; a damaged catalogue throws Error{kUnreadable}.
  void for_each_stamp(std::int64_t folder,
                      const std::function<void(const std::string&, const FileStamp&)>& visit);
  [[nodiscard]] std::optional<KnownFile> find(const std::filesystem::path& file);
  // The DICOM headers of an owner "d...", by path.
  [[nodiscard]] std::vector<DicomHeader> headers(const std::string& owner);
  // The refused files of an owner "x" + chunk, by name.
  [[nodiscard]] std::vector<FileFacts> refused(const std::string& owner);

  // What the series of a file are made of: "d" + series digest, "v" + number; empty when the file
  // is not known or refused.
  [[nodiscard]] std::string owner(const std::filesystem::path& file);
  // Names of files whose facts may come from another file beside them, or would if it were there:
  // volume files with detached voxels, and refused files but those that are no images. Sorted.
  [[nodiscard]] std::vector<std::string> files_with_partners(std::int64_t folder);

 private:
  struct Chunk {
    std::int64_t id = 0;  // 0: not yet there
    std::string start;
  };

  struct Part {
    std::int64_t id = 0;
    std::string bytes;  // as stored, until they are unpacked
    std::vector<PartFile> files;
    bool changed = false;
  };

  struct StampedName {
    std::string name;
    FileStamp stamp;
  };

  class ChunkEdit;

  [[nodiscard]] std::int64_t make_folder(const std::filesystem::path& folder);
  [[nodiscard]] Chunk chunk_of(std::int64_t folder, const std::string& name);
  [[nodiscard]] std::optional<std::string> next_start(std::int64_t folder,
                                                      const std::string& start);
  void mark(const std::string& owner, std::int64_t chunk);

  SQLite::Database& database_;
  std::size_t chunk_files_;
  VolumeFileTable volumes_;
  SQLite::Statement find_folder_, add_folder_, chunk_at_, next_chunk_, chunk_stamps_,
      folder_stamps_, add_chunk_, write_chunk_, drop_chunk_, chunk_parts_, add_part_, write_part_,
      drop_part_, drop_parts_, mark_, owner_parts_, refused_part_;
};

}  // namespace marrow
