#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/records.h"
#include "core/reduction.h"
#include "io/catalogue/file_stamp.h"
#include "io/catalogue/file_table.h"
#include "io/catalogue/report_table.h"
#include "io/catalogue/series_update.h"
#include "io/catalogue/subset_table.h"
#include "io/worker/file_facts.h"

namespace marrow {

// What is kept of one file. Identifiers in `facts` are keyed digests, names and comments are empty.
struct FileRecord {
  FileStamp stamp;
  FileFacts facts;
};

// Counts of the whole catalogue.
struct CatalogueCounts {
  std::int64_t files = 0;  // whose header was read, or refused
  std::int64_t patients = 0, studies = 0, series = 0;
  std::int64_t refused_files = 0;                  // not images, damaged, not readable
  std::int64_t not_files = 0;                      // links, pipes, closed folders
  std::map<std::string, std::int64_t> by_verdict;  // "use" -> series
  std::map<std::string, std::int64_t> by_reason;   // of refused series, files and what is no file
  std::map<std::string, std::int64_t> by_reason_of_series;  // the part of refused series in it
};

// What has become of the series of a subset since it was saved.
struct SubsetState {
  std::vector<SeriesRecord> series;        // as they were, by key
  std::vector<std::string> changed, gone;  // keys
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
  // Series get the names that a catalogue of this salt gives them. Before anything is scanned only.
  void name_with(const std::string& salt);

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
  // All series that were made of the same files as `record` (stacks of one DICOM series, volumes of
  // one file), itself among them.
  [[nodiscard]] std::vector<SeriesRecord> siblings(const SeriesRecord& record) const;
  [[nodiscard]] std::optional<SeriesRecord> series_of_key(const std::string& key) const;  // whole
  [[nodiscard]] std::vector<Issue> issues() const;
  // The same without holding all of them: by path, then by series.
  void for_each_issue(const std::function<void(const Issue&)>& visit) const;
  [[nodiscard]] CatalogueCounts counts() const;

  // The archives that have been scanned into it; keys of files are made relative to them.
  [[nodiscard]] std::vector<std::filesystem::path> roots() const;
  void add_roots(const std::vector<std::filesystem::path>& roots);

  // Series and issues from elsewhere take the place of all there are. Splits stay with their
  // patients and `dropped_because` with its series, where the new records leave them empty.
  void replace_series(std::span<const SeriesRecord> series, std::span<const Issue> issues);
  // Patient key -> "train" | "validation" | "test"; other patients lose theirs.
  void set_splits(const std::map<std::string, std::string>& split_of_patient);

  // What `reduce` decided about a collection: "" for the series of the catalogue, whose
  // `dropped_because` it sets, else the name of a data set (docs/formats/catalogue.md). Takes the
  // place of what was decided before; without one, everything is kept again.
  void set_reduction(const std::string& collection, const std::optional<Reduction>& reduction);
  [[nodiscard]] std::optional<Reduction> reduction(const std::string& collection) const;

  // Names a choice of series so that it can be used again and told to be the same. The digest of a
  // series is made of all that is kept of its files' headers, with the instance UIDs' digests, and
  // of which of their volumes it is; sizes of volume files count, places of files do not. Replaces
  // a subset of that name. Throws Error{kInvalidArgument} for a name that is not 1 to 64 letters,
  // digits, '_', '-', '.', Error{kNothingFound} when `series` is empty.
  Subset save_subset(const std::string& name,
                     const std::string& expression,
                     std::span<const SeriesRecord> series);
  [[nodiscard]] std::vector<Subset> subsets() const;  // by name
  [[nodiscard]] SubsetState subset_state(const Subset& subset) const;
  // The series of a subset. Throws Error{kNothingFound} that names the nearest when there is none
  // of that name, Error{kRefused} when one of its series is gone or has changed.
  [[nodiscard]] std::vector<SeriesRecord> subset(const std::string& name) const;
  [[nodiscard]] std::string series_digest(const SeriesRecord& record) const;

  // See report_table.h.
  ReportCounts import_reports(const std::filesystem::path& file,
                              std::span<const ReportRow> reports);

  // What scans know of files, folder by folder, by name.
  void for_each_stamp(
      const std::function<void(const std::filesystem::path&, const FileStamp&)>& visit) const;
  // Of one folder; returns its number, 0 when it is not known.
  std::int64_t for_each_stamp_in(
      const std::filesystem::path& folder,
      const std::function<void(const std::string&, const FileStamp&)>& visit) const;
  // By number; numbers are never given twice.
  void for_each_folder(
      const std::function<void(std::int64_t, const std::filesystem::path&)>& visit) const;
  [[nodiscard]] std::int64_t last_folder() const;  // the highest number
  [[nodiscard]] std::optional<FileRecord> file_record(const std::filesystem::path& path) const;
  // Headers of the files of a DICOM series, by path; empty for others.
  [[nodiscard]] std::vector<DicomHeader> headers_of(const SeriesRecord& record) const;

  // For a scan. What it found out about files; series and issues stay as they are until
  // update_series makes those anew whose files have changed since the last time, all in one
  // transaction.
  void change_files(std::span<const FolderChange> changes);
  // Paths of files that were refused for what lies outside them and may be read by now though they
  // have not changed: no permission, not readable, too little memory.
  [[nodiscard]] std::unordered_set<std::string> files_to_retry() const;
  // Names of files in the folder of that number that may read otherwise when another file beside
  // them changes: headers with voxels in a file of their own, and damaged files. Sorted.
  [[nodiscard]] std::vector<std::string> files_with_partners(std::int64_t folder) const;
  void start_walk(std::span<const std::filesystem::path> roots);
  void add_found(const Issue& issue);  // below those roots
  void update_series(const SeriesMakers& makers);
  // Whether issues.jsonl still says what an earlier state of the catalogue said.
  [[nodiscard]] bool issues_file_is_old() const;
  void issues_file_is_written();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The documented columns of `listing`.
[[nodiscard]] const std::vector<std::string>& listing_columns();

}  // namespace marrow
