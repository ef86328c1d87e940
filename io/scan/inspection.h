#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "io/catalogue/file_table.h"
#include "io/scan/records.h"
#include "io/scan/scan.h"

namespace marrow {

// A file that is to be opened. Files of one folder share its path.
struct FileToRead {
  std::shared_ptr<const std::string> folder;
  std::string name;
  FileStamp stamp;
};

// A file and what is kept of it.
struct ReadFile {
  FileToRead file;
  PackedFacts facts;
};

// Files -> what is kept of them, by several parsing children at once. One thread gives and takes;
// results come in any order.
class Inspection {
 public:
  static constexpr std::size_t kFilesPerBatch =
      1024;  // one list for a child, which reads ahead in it

  Inspection(const ScanOptions& options, std::string salt);

  void submit(std::vector<FileToRead> batch);
  // Batches that were submitted and not yet taken.
  [[nodiscard]] std::size_t in_flight() const;
  // All that is done; with `wait`, at least one batch unless none is in flight. Rethrows what ended
  // a thread. After an interruption batches that were not begun come back empty.
  [[nodiscard]] std::vector<ReadFile> take(bool wait);

  [[nodiscard]] std::size_t threads() const { return wanted_; }

 private:
  void work(const std::stop_token& stop);
  [[nodiscard]] std::vector<FileToRead> next_batch(const std::stop_token& stop);
  [[nodiscard]] std::vector<ReadFile> read(WorkerClient& client,
                                           IdentityRemoval& remove_identity,
                                           std::vector<FileToRead> batch) const;

  const ScanOptions& options_;
  std::string salt_;
  std::size_t wanted_;
  mutable std::mutex mutex_;
  std::condition_variable_any given_;
  std::condition_variable done_;
  std::deque<std::vector<FileToRead>> batches_;
  std::vector<ReadFile> results_;
  std::size_t in_flight_ = 0;
  std::size_t finished_ = 0;  // of these, how many are in results_
  std::exception_ptr failure_;
  std::vector<std::jthread> threads_;  // last: joined before the rest goes
};

}  // namespace marrow
