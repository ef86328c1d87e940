#include "io/scan/scan.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/interrupt.h"
#include "core/text.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/series_json.h"
#include "io/dicom/grouping.h"
#include "io/scan/inspection.h"
#include "io/scan/records.h"
#include "io/scan/walk.h"

namespace marrow {

namespace {

// Together, what is opened twice at most when a scan is killed.
constexpr std::size_t kFilesPerTransaction = 4096;
constexpr std::size_t kBatchesPerThread = 8;

bool is_below(const std::filesystem::path& path, const std::vector<std::filesystem::path>& roots) {
  return std::any_of(roots.begin(), roots.end(), [&](const std::filesystem::path& root) {
    return path == root || path.native().starts_with((root / "").native());
  });
}

// Either file of a NIfTI pair.
bool is_of_a_pair(std::string_view name) {
  constexpr std::array<std::string_view, 4> kEndings{".hdr", ".img", ".hdr.gz", ".img.gz"};
  const std::string lower = lower_case(name);
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view ending) {
    return lower.ends_with(ending);
  });
}

// What the walk finds against what the catalogue knows: new and changed files are opened, their
// facts and the files that are gone are written.
class FilesUpdate {
 public:
  FilesUpdate(Catalogue& catalogue, const ScanOptions& options, ScanResult& result)
      : catalogue_(catalogue),
        inspection_(options, catalogue.salt()),
        progress_("scan", 0, "files", options.progress),
        result_(result),
        known_folders_(catalogue.last_folder()),
        retried_(catalogue.files_to_retry()),
        walked_(static_cast<std::size_t>(known_folders_) + 1, false) {
    waiting_.reserve(2 * kFilesPerTransaction);
  }

  void folder(const std::filesystem::path& path, const FolderListing& listing, bool whole) {
    const auto shared_path = std::make_shared<const std::string>(path.native());
    std::vector<std::string> gone;
    auto found = listing.files().begin();
    const auto end = listing.files().end();
    std::vector<const FolderListing::File*> opened;
    const std::int64_t id =
        catalogue_.for_each_stamp_in(path, [&](const std::string& name, const FileStamp& stamp) {
          while (found != end && listing.name(*found) < name) {
            opened.push_back(&*found++);
          }
          if (found != end && listing.name(*found) == name) {
            if (found->stamp != stamp || is_retried(path, name)) {
              opened.push_back(&*found);
            }
            ++found;
          } else if (whole) {
            gone.push_back(name);
          }
        });
    for (; found != end; ++found) {
      opened.push_back(&*found);
    }
    if (!opened.empty() || !gone.empty()) {
      open_dependent(listing, id, opened);
    }
    if (whole && id > 0 && id <= known_folders_) {
      walked_[static_cast<std::size_t>(id)] = true;
    }
    result_.files += static_cast<std::int64_t>(listing.files().size());
    for (std::string& name : gone) {
      remove(shared_path, std::move(name));
    }
    for (const FolderListing::File* const file : opened) {
      open({shared_path, std::string(listing.name(*file)), file->stamp});
    }
    progress_.advance(static_cast<std::int64_t>(listing.files().size() - opened.size()));
    if (inspection_.in_flight() > 0) {
      take(false);
    }
  }

  // Known files of folders that were not met again, and roots that are no longer files.
  void remove_lost(const std::vector<std::filesystem::path>& roots) {
    std::vector<std::filesystem::path> lost;
    catalogue_.for_each_folder([&](std::int64_t id, const std::filesystem::path& path) {
      if (id <= known_folders_ && !walked_[static_cast<std::size_t>(id)] && is_below(path, roots)) {
        lost.push_back(path);
      }
    });
    for (const std::filesystem::path& path : lost) {
      const auto shared_path = std::make_shared<const std::string>(path.native());
      std::vector<std::string> names;
      catalogue_.for_each_stamp_in(
          path, [&](const std::string& name, const FileStamp&) { names.push_back(name); });
      for (std::string& name : names) {
        remove(shared_path, std::move(name));
      }
    }
    for (const std::filesystem::path& root : roots) {
      if (!std::filesystem::is_regular_file(root) && catalogue_.file_record(root)) {
        remove(std::make_shared<const std::string>(root.parent_path().native()),
               root.filename().native());
      }
    }
  }

  void finish() {
    submit();
    while (inspection_.in_flight() > 0) {
      take(true);
    }
    write();
    throw_if_interrupted("scanning; what has been read is kept");
  }

 private:
  struct Waiting {
    std::shared_ptr<const std::string> folder;
    FileChange change;
  };

  [[nodiscard]] bool is_retried(const std::filesystem::path& folder,
                                const std::string& name) const {
    return !retried_.empty() && retried_.contains((folder / name).native());
  }

  // Some files are read together with another of their folder, which may be the one that changed.
  void open_dependent(const FolderListing& listing,
                      std::int64_t folder,
                      std::vector<const FolderListing::File*>& opened) const {
    const std::vector<std::string> dependent = catalogue_.files_with_partners(folder);
    std::vector<const FolderListing::File*> all;
    auto next = opened.begin();
    for (const FolderListing::File& file : listing.files()) {
      const bool is_opened = next != opened.end() && *next == &file;
      next += is_opened ? 1 : 0;
      const std::string_view name = listing.name(file);
      if (is_opened || is_of_a_pair(name) ||
          std::binary_search(dependent.begin(), dependent.end(), name)) {
        all.push_back(&file);
      }
    }
    opened = std::move(all);
  }

  void remove(const std::shared_ptr<const std::string>& folder, std::string name) {
    ++result_.removed;
    waiting_.push_back({folder, {std::move(name), std::nullopt}});
    write_when_many();
  }

  void open(FileToRead file) {
    ++result_.opened;
    batch_.push_back(std::move(file));
    if (batch_.size() == Inspection::kFilesPerBatch) {
      submit();
    }
  }

  void submit() {
    if (!batch_.empty()) {
      inspection_.submit(std::exchange(batch_, {}));
    }
    while (inspection_.in_flight() >= kBatchesPerThread * inspection_.threads()) {
      take(true);
      throw_if_interrupted_after_write();
    }
  }

  void throw_if_interrupted_after_write() {
    if (interrupted()) {
      finish();
    }
  }

  void take(bool wait) {
    for (ReadFile& read : inspection_.take(wait)) {
      progress_.advance(1);
      waiting_.push_back(
          {read.file.folder,
           {std::move(read.file.name), KnownFile{read.file.stamp, std::move(read.facts)}}});
    }
    write_when_many();
  }

  void write_when_many() {
    if (waiting_.size() >= kFilesPerTransaction) {
      write();
    }
  }

  void write() {
    std::sort(waiting_.begin(), waiting_.end(), [](const Waiting& a, const Waiting& b) {
      const int order = a.folder == b.folder ? 0 : a.folder->compare(*b.folder);
      return order != 0 ? order < 0 : a.change.name < b.change.name;
    });
    std::vector<FolderChange> changes;
    for (Waiting& one : waiting_) {
      if (changes.empty() || changes.back().folder.native() != *one.folder) {
        changes.push_back({*one.folder, {}});
      }
      changes.back().files.push_back(std::move(one.change));
    }
    waiting_.clear();
    catalogue_.change_files(changes);
  }

  Catalogue& catalogue_;
  Inspection inspection_;
  Progress progress_;
  ScanResult& result_;
  std::int64_t known_folders_;
  std::unordered_set<std::string> retried_;
  std::vector<bool> walked_;  // by number of the folder
  std::vector<FileToRead> batch_;
  std::vector<Waiting> waiting_;
};

SeriesMakers series_makers(const std::string& salt, const ScanOptions& options) {
  GroupingOptions grouping;
  grouping.use_derived = options.use_derived;
  SeriesMakers makers;
  makers.options = options.use_derived ? "use_derived" : "none";
  makers.dicom = [grouping, salt](std::vector<DicomHeader> headers) {
    throw_if_interrupted("grouping series; the next scan goes on from here");
    std::vector<SeriesRecord> records;
    for (const DicomStack& stack : group_dicom(std::move(headers), grouping)) {
      records.push_back(dicom_record(stack, salt));
    }
    return records;
  };
  makers.volume_file = [salt](const KnownVolumeFile& file) {
    return volume_file_record(file, salt);
  };
  makers.refused_series = [](const SeriesRecord& record) { return issue_of(record); };
  makers.refused_file = [](const FileFacts& file) { return issue_of(file); };
  return makers;
}

// Compares while it writes, so that an unchanged file keeps its time.
class IssuesFile {
 public:
  explicit IssuesFile(const std::filesystem::path& file) : written_(file) {
    if (std::filesystem::exists(file)) {
      old_.emplace(file);
    }
    same_ = old_.has_value();
  }

  void add(const std::string& line) {
    const std::span<const std::byte> bytes = std::as_bytes(std::span(line));
    if (same_) {
      const std::span<const std::byte> rest = old_->bytes().subspan(written_.size());
      same_ =
          rest.size() >= bytes.size() && std::memcmp(rest.data(), bytes.data(), bytes.size()) == 0;
    }
    written_.write(bytes);
  }

  void finish() {
    if (!same_ || old_->bytes().size() != written_.size()) {
      written_.commit();
    }
  }

 private:
  AtomicFile written_;
  std::optional<MappedFile> old_;
  bool same_ = false;
};

void write_issues_file(Catalogue& catalogue, const std::filesystem::path& file) {
  if (!catalogue.issues_file_is_old() && std::filesystem::exists(file)) {
    return;
  }
  IssuesFile issues(file);
  catalogue.for_each_issue([&](const Issue& issue) {
    issues.add(issue_json(issue).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
               '\n');
  });
  issues.finish();
  catalogue.issues_file_is_written();
}

}  // namespace

ScanResult scan(std::span<const std::filesystem::path> archives,
                Catalogue& catalogue,
                const ScanOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::filesystem::path> roots = archive_roots(archives);
  ScanResult result;
  result.issues = catalogue.file().parent_path() / "issues.jsonl";
  catalogue.start_walk(roots);
  {
    FilesUpdate update(catalogue, options, result);
    walk_archives(
        roots,
        {[&](const std::filesystem::path& folder, const FolderListing& files, bool whole) {
           update.folder(folder, files, whole);
         },
         [&](const Issue& issue) { catalogue.add_found(issue); }});
    update.remove_lost(roots);
    update.finish();
  }
  result.unchanged = result.files - result.opened;
  catalogue.add_roots(roots);
  catalogue.update_series(series_makers(catalogue.salt(), options));
  write_issues_file(catalogue, result.issues);
  const CatalogueCounts counts = catalogue.counts();
  result.patients = counts.patients;
  result.studies = counts.studies;
  result.series = counts.series;
  result.refused_files = counts.refused_files;
  result.by_verdict = counts.by_verdict;
  result.by_reason = counts.by_reason;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace marrow
