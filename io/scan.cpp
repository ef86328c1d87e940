#include "io/scan.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/series_json.h"
#include "io/dicom/grouping.h"
#include "io/scan_records.h"
#include "io/scan_walk.h"

namespace marrow {

namespace {

constexpr std::size_t kFilesPerBatch = 1024;        // one list for a child, which reads ahead in it
constexpr std::size_t kFilesPerTransaction = 4096;  // lost at most when a scan is killed

// Files that are new or changed -> their facts, by several children at once. The facts come back to
// the caller's thread, in any order.
class Inspection {
 public:
  Inspection(std::span<const FoundFile> files, const ScanOptions& options) : files_(files) {
    const std::size_t batches = (files.size() + kFilesPerBatch - 1) / kFilesPerBatch;
    const std::size_t wanted = options.threads > 0
                                   ? static_cast<std::size_t>(options.threads)
                                   : std::max(1U, std::thread::hardware_concurrency());
    working_ = std::min(wanted, batches);
    for (std::size_t n = working_; n > 0; --n) {
      threads_.emplace_back(
          [this, &options](const std::stop_token& stop) { work(stop, options.worker); });
    }
  }

  // Nothing when all is done. Rethrows what ended a thread.
  std::vector<FileRecord> next() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return !results_.empty() || working_ == 0 || failure_; });
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    if (results_.empty()) {
      return {};
    }
    std::vector<FileRecord> batch = std::move(results_.front());
    results_.pop_front();
    return batch;
  }

 private:
  std::span<const FoundFile> take() {
    const std::lock_guard lock(mutex_);
    const std::size_t count = std::min(kFilesPerBatch, files_.size() - taken_);
    const std::span<const FoundFile> batch = files_.subspan(taken_, count);
    taken_ += count;
    return batch;
  }

  void work(const std::stop_token& stop, const WorkerSettings& settings) {
    try {
      WorkerClient client(settings);
      for (std::span<const FoundFile> batch = take();
           !batch.empty() && !stop.stop_requested() && !interrupted();
           batch = take()) {
        std::vector<std::filesystem::path> paths;
        for (const FoundFile& file : batch) {
          paths.push_back(file.path);
        }
        std::vector<FileFacts> facts = client.inspect(paths);
        MARROW_CHECK(facts.size() == batch.size());
        std::vector<FileRecord> records;
        for (std::size_t n = 0; n < batch.size(); ++n) {
          records.push_back({batch[n].stamp, std::move(facts[n])});
        }
        const std::lock_guard lock(mutex_);
        results_.push_back(std::move(records));
        done_.notify_one();
      }
    } catch (const std::exception&) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    --working_;
    done_.notify_one();
  }

  std::span<const FoundFile> files_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::deque<std::vector<FileRecord>> results_;
  std::size_t taken_ = 0;
  std::size_t working_ = 0;
  std::exception_ptr failure_;
  std::vector<std::jthread> threads_;  // last: joined before the rest goes
};

bool is_below(const std::filesystem::path& path, const std::vector<std::filesystem::path>& roots) {
  return std::any_of(roots.begin(), roots.end(), [&](const std::filesystem::path& root) {
    return path == root || path.native().starts_with((root / "").native());
  });
}

struct Changes {
  std::vector<FoundFile> to_open;
  std::vector<std::filesystem::path> gone;
};

// Both sides come sorted by path; files of archives that were not walked are left alone.
Changes find_changes(const WalkResult& walk, const Catalogue& catalogue) {
  Changes changes;
  std::size_t n = 0;
  catalogue.for_each_stamp([&](const std::filesystem::path& path, const FileStamp& stamp) {
    while (n < walk.files.size() && walk.files[n].path.native() < path.native()) {
      changes.to_open.push_back(walk.files[n++]);
    }
    if (n < walk.files.size() && walk.files[n].path == path) {
      if (walk.files[n].stamp != stamp) {
        changes.to_open.push_back(walk.files[n]);
      }
      ++n;
    } else if (is_below(path, walk.roots)) {
      changes.gone.push_back(path);
    }
  });
  changes.to_open.insert(
      changes.to_open.end(), walk.files.begin() + static_cast<std::ptrdiff_t>(n), walk.files.end());
  return changes;
}

// What walking found, and what it found earlier in archives that were not walked this time.
std::vector<Issue> walk_issues(const WalkResult& walk, const Catalogue& catalogue) {
  std::vector<Issue> issues = walk.issues;
  for (Issue& issue : catalogue.issues()) {
    if (!is_below(issue.path, walk.roots) && !catalogue.file_record(issue.path)) {
      issues.push_back(std::move(issue));
    }
  }
  return issues;
}

void open_files(const Changes& changes, Catalogue& catalogue, const ScanOptions& options) {
  if (!changes.gone.empty()) {
    catalogue.remove_files(changes.gone);
  }
  Progress progress(
      "scan", static_cast<std::int64_t>(changes.to_open.size()), "files", options.progress);
  Inspection inspection(changes.to_open, options);
  std::vector<FileRecord> waiting;
  for (std::vector<FileRecord> batch = inspection.next(); !batch.empty();
       batch = inspection.next()) {
    progress.advance(static_cast<std::int64_t>(batch.size()));
    for (FileRecord& record : batch) {
      if (const DicomHeader* const header = record.facts.dicom()) {
        record.facts.content = without_identity(*header, catalogue.salt());
      }
      waiting.push_back(std::move(record));
    }
    if (waiting.size() >= kFilesPerTransaction) {
      catalogue.put_files(waiting);
      waiting.clear();
    }
  }
  catalogue.put_files(waiting);
  throw_if_interrupted("scanning; what has been read is kept");
}

// What the catalogue keeps of all files -> series and issues.
class Assembly {
 public:
  Assembly(const std::string& salt, const ScanOptions& options, std::vector<Issue> issues)
      : salt_(salt), issues_(std::move(issues)) {
    grouping_.use_derived = options.use_derived;
  }

  void add(FileRecord record) {
    if (DicomHeader* const header = std::get_if<DicomHeader>(&record.facts.content)) {
      if (!headers_.empty() && header->series_uid != headers_.front().series_uid) {
        finish_series();
      }
      headers_.push_back(std::move(*header));
    } else if (record.facts.nifti() != nullptr || record.facts.volume_file() != nullptr) {
      volumes_.push_back(std::move(record.facts));
    } else {
      ++refused_files_;
      issues_.push_back(issue_of(record.facts));
    }
  }

  void finish(Catalogue& catalogue,
              const std::vector<std::filesystem::path>& roots,
              ScanResult& result) {
    finish_series();
    for (SeriesRecord& record : volume_file_records(volumes_, roots, salt_)) {
      series_.push_back(std::move(record));
    }
    std::sort(series_.begin(), series_.end(), [](const SeriesRecord& a, const SeriesRecord& b) {
      return a.key < b.key;
    });
    result.refused_files = refused_files_;
    std::set<std::string> patients;
    std::set<std::string> studies;
    for (const Issue& issue : issues_) {
      ++result.by_reason[issue.reason_code];
    }
    for (const SeriesRecord& record : series_) {
      patients.insert(record.patient);
      studies.insert(record.study);
      ++result.by_verdict[std::string(verdict_name(record.verdict))];
      if (record.verdict == Verdict::kRefuse) {
        ++result.by_reason[record.reason_code];
        issues_.push_back(issue_of(record));
      }
    }
    result.patients = static_cast<std::int64_t>(patients.size());
    result.studies = static_cast<std::int64_t>(studies.size());
    result.series = static_cast<std::int64_t>(series_.size());
    std::stable_sort(issues_.begin(), issues_.end(), [](const Issue& a, const Issue& b) {
      return a.path.native() < b.path.native();
    });
    catalogue.replace_series(series_, issues_);
    write_issues(result.issues);
  }

 private:
  void finish_series() {
    throw_if_interrupted("grouping series; the next scan goes on from here");
    for (const DicomStack& stack : group_dicom(std::exchange(headers_, {}), grouping_)) {
      series_.push_back(dicom_record(stack, salt_));
    }
  }

  void write_issues(const std::filesystem::path& file) const {
    std::string lines;
    for (const Issue& issue : issues_) {
      lines +=
          issue_json(issue).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
    }
    write_atomically(file, lines);
  }

  std::string salt_;
  GroupingOptions grouping_;
  std::vector<DicomHeader> headers_;
  std::vector<FileFacts> volumes_;  // NIfTI, NRRD, MetaImage
  std::vector<SeriesRecord> series_;
  std::vector<Issue> issues_;
  std::int64_t refused_files_ = 0;
};

}  // namespace

ScanResult scan(std::span<const std::filesystem::path> archives,
                Catalogue& catalogue,
                const ScanOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const WalkResult walk = walk_archives(archives);
  const Changes changes = find_changes(walk, catalogue);
  ScanResult result;
  result.files = static_cast<std::int64_t>(walk.files.size());
  result.opened = static_cast<std::int64_t>(changes.to_open.size());
  result.unchanged = result.files - result.opened;
  result.removed = static_cast<std::int64_t>(changes.gone.size());
  result.issues = catalogue.file().parent_path() / "issues.jsonl";
  open_files(changes, catalogue, options);
  catalogue.add_roots(walk.roots);
  Assembly assembly(catalogue.salt(), options, walk_issues(walk, catalogue));
  catalogue.for_each_file([&](FileRecord record) { assembly.add(std::move(record)); });
  assembly.finish(catalogue, catalogue.roots(), result);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace marrow
