#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/records.h"
#include "io/worker/file_facts.h"

namespace marrow {

// By what a scan knows a file again without opening it.
struct FileStamp {
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t inode = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// What is kept of one file. Identifiers in `facts` are keyed digests, names and comments are empty.
struct FileRecord {
  FileStamp stamp;
  FileFacts facts;
};

// The catalogue of a work folder: series, issues and what is known of every file, in one SQLite
// file (docs/formats/catalogue.md). Every change is one transaction: whatever happens, the old or
// the new state is found. Rows come sorted by key or path. Not thread-safe; several processes may
// read while one writes.
//
// Everything here throws Error: kNothingFound when the file is missing (reading), kUnreadable when
// it is damaged, kUnsupported when another version wrote it, kRefused when another process is
// writing, kResources on a full disk.
class Catalogue {
 public:
  enum class Mode { kRead, kWrite };  // kWrite makes the file when it is missing

  explicit Catalogue(const std::filesystem::path& file, Mode mode = Mode::kRead);
  ~Catalogue();
  Catalogue(Catalogue&&) noexcept;
  Catalogue& operator=(Catalogue&&) noexcept;

  [[nodiscard]] const std::filesystem::path& file() const;
  // Of this work folder; what all keys are digested with.
  [[nodiscard]] const std::string& salt() const;

  [[nodiscard]] std::vector<SeriesRecord> series() const;
  // Series for which an SQL expression over the columns of the view `listing` (listing_columns())
  // holds: "modality='CT' and slices>40". Nothing but such an expression is executed. Throws
  // Error{kInvalidArgument} that names an unknown column and the nearest known one, or quotes what
  // SQLite finds wrong.
  [[nodiscard]] std::vector<SeriesRecord> select(const std::string& where) const;
  // By key, by the first characters of a key when they are enough, by series UID, or by the path of
  // a file or folder: all series it stands for. Throws Error{kNothingFound} when there is none,
  // Error{kInvalidArgument} when the start of a key fits several.
  [[nodiscard]] std::vector<SeriesRecord> find(const std::string& key_uid_or_path) const;
  [[nodiscard]] std::vector<Issue> issues() const;

  // The archives that have been scanned into it; keys of files are made relative to them.
  [[nodiscard]] std::vector<std::filesystem::path> roots() const;
  void add_roots(const std::vector<std::filesystem::path>& roots);

  // The outcome of a scan takes the place of the last one. Splits stay with their patients and
  // `dropped_because` with its series, where the new records leave them empty.
  void replace_series(std::span<const SeriesRecord> series, std::span<const Issue> issues);
  // Patient key -> "train" | "validation" | "test"; other patients lose theirs.
  void set_splits(const std::map<std::string, std::string>& split_of_patient);
  // Series key -> why it was left out by `reduce`; other series are kept again.
  void set_dropped(const std::map<std::string, std::string>& because_of_series);

  // What the last scans know of files, by path.
  void for_each_stamp(
      const std::function<void(const std::filesystem::path&, const FileStamp&)>& visit) const;
  // By kind and series, then path: all files of a series follow each other.
  void for_each_file(const std::function<void(FileRecord)>& visit) const;
  [[nodiscard]] std::optional<FileRecord> file_record(const std::filesystem::path& path) const;
  void put_files(std::span<const FileRecord> files);
  void remove_files(std::span<const std::filesystem::path> files);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The documented columns of `listing`.
[[nodiscard]] const std::vector<std::string>& listing_columns();

}  // namespace marrow
