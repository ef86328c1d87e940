#include "io/scan/inspection.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/error.h"
#include "core/interrupt.h"

namespace marrow {

Inspection::Inspection(const ScanOptions& options, std::string salt)
    : options_(options),
      salt_(std::move(salt)),
      wanted_(options.threads > 0 ? static_cast<std::size_t>(options.threads)
                                  : std::max(1U, std::thread::hardware_concurrency())) {}

void Inspection::submit(std::vector<FileToRead> batch) {
  {
    const std::lock_guard lock(mutex_);
    batches_.push_back(std::move(batch));
    ++in_flight_;
  }
  given_.notify_one();
  if (threads_.size() < wanted_) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

std::size_t Inspection::in_flight() const {
  const std::lock_guard lock(mutex_);
  return in_flight_;
}

std::vector<ReadFile> Inspection::take(bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) {
    done_.wait(lock, [&] { return finished_ > 0 || in_flight_ == 0 || failure_; });
  }
  if (failure_) {
    std::rethrow_exception(failure_);
  }
  in_flight_ -= std::exchange(finished_, 0);
  return std::exchange(results_, {});
}

std::vector<FileToRead> Inspection::next_batch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!given_.wait(lock, stop, [&] { return !batches_.empty(); })) {
    return {};
  }
  std::vector<FileToRead> batch = std::move(batches_.front());
  batches_.pop_front();
  return batch;
}

std::vector<ReadFile> Inspection::read(WorkerClient& client,
                                       IdentityRemoval& remove_identity,
                                       std::vector<FileToRead> batch) const {
  std::vector<std::filesystem::path> paths;
  paths.reserve(batch.size());
  for (const FileToRead& file : batch) {
    paths.push_back(std::filesystem::path(*file.folder) / file.name);
  }
  std::vector<FileFacts> facts = client.inspect(paths);
  MARROW_CHECK(facts.size() == batch.size());
  std::vector<ReadFile> read;
  read.reserve(batch.size());
  for (std::size_t n = 0; n < batch.size(); ++n) {
    if (DicomHeader* const header = std::get_if<DicomHeader>(&facts[n].content)) {
      remove_identity(*header);
    }
    read.push_back({std::move(batch[n]), pack_facts(facts[n])});
  }
  return read;
}

void Inspection::work(const std::stop_token& stop) {
  try {
    WorkerClient client(options_.worker);
    IdentityRemoval remove_identity(salt_);
    for (std::vector<FileToRead> batch = next_batch(stop); !batch.empty() && !stop.stop_requested();
         batch = next_batch(stop)) {
      std::vector<ReadFile> files;
      if (!interrupted()) {
        files = read(client, remove_identity, std::move(batch));
      }
      const std::lock_guard lock(mutex_);
      std::move(files.begin(), files.end(), std::back_inserter(results_));
      ++finished_;
      done_.notify_one();
    }
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    done_.notify_one();
  }
}

}  // namespace marrow
