#include "io/worker/worker_client.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <type_traits>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "core/files.h"
#include "core/large_memory.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/dicom/plain_stack.h"
#include "io/file_error.h"
#include "io/worker/channel.h"
#include "io/worker/child_process.h"
#include "io/worker/messages.h"
#include "io/worker/voxel_transfer.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

// Two requests are on their way at a time, so that the child always has work; together they fit the
// socket's buffer, without which both sides could wait for the other to read.
constexpr std::size_t kRequestsAhead = 2;
constexpr std::size_t kFilesPerRequest = 128;
constexpr std::size_t kRequestBytes = 24'576;
constexpr std::chrono::seconds kLongestStart{60};

std::string stack_name(std::span<const fs::path> files) {
  std::string name = printable(files.front().string(), 400);
  if (files.size() > 1) {
    name += fmt::format(" (and {} more files)", files.size() - 1);
  }
  return name;
}

}  // namespace

struct WorkerClient::State {
  WorkerSettings settings;
  std::unique_ptr<ChildProcess> child;
  std::int64_t started = 0;
  std::int64_t served = 0;  // files that the running child was asked about
  std::vector<std::string> warnings;

  [[nodiscard]] Channel::Clock::time_point deadline() const {
    return Channel::Clock::now() + std::chrono::duration_cast<Channel::Clock::duration>(
                                       std::chrono::duration<double>(settings.timeout_seconds));
  }

  Channel& channel(std::size_t files);
  void start();
  FileRefusal end_child(const std::string& name, Channel::Status status);
  // Ends the child, whose answer about these files makes no sense.
  [[noreturn]] void refuse_answer(std::span<const fs::path> files);
  WorkerReply ask(WorkerOperation operation,
                  std::span<const fs::path> files,
                  std::int64_t volume,
                  Descriptor* voxels,
                  const LabelTarget* target = nullptr);
  template <class T>
  Grid<T> ask_for_voxels(WorkerOperation operation,
                         std::span<const fs::path> files,
                         std::int64_t volume,
                         const LabelTarget* target = nullptr);
  // The voxels of a reply; nothing where the child's memory cannot be read, and never will be.
  template <class T>
  std::optional<VoxelVector<T>> take_voxels(const WorkerReply& reply, const Descriptor& file);
};

void WorkerClient::State::start() {
  const auto milliseconds =
      std::chrono::milliseconds(static_cast<std::int64_t>(1000 * settings.timeout_seconds) + 1);
  std::vector<std::string> arguments{
      fmt::format("--memory={}", settings.limits.memory_bytes),
      fmt::format("--seconds={}", settings.limits.seconds),
  };
  arguments.insert(arguments.end(), settings.arguments.begin(), settings.arguments.end());
  child = std::make_unique<ChildProcess>(settings.executable, arguments, milliseconds);
  served = 0;
  ++started;
  const auto ready =
      child->channel().receive(std::max(deadline(), Channel::Clock::now() + kLongestStart));
  if (ready.status != Channel::Status::kMessage || ready.message != kWorkerHello) {
    const std::string what = ready.status == Channel::Status::kClosed    ? child->reap().what
                             : ready.status == Channel::Status::kMessage ? "is of another version"
                                                                         : "does not answer";
    child.reset();
    throw Error(
        ErrorCode::kInternal,
        fmt::format("worker: {} cannot do its work: it {}; is the installation complete, and is "
                    "the memory limit of {} large enough?",
                    settings.executable.string(),
                    what,
                    format_bytes(settings.limits.memory_bytes)));
  }
}

Channel& WorkerClient::State::channel(std::size_t files) {
  if (child && served >= settings.requests_per_child) {
    child.reset();
  }
  if (!child) {
    start();
  }
  served += static_cast<std::int64_t>(files);
  return child->channel();
}

FileRefusal WorkerClient::State::end_child(const std::string& name, Channel::Status status) {
  ChildDeath death;
  switch (status) {
    case Channel::Status::kTimedOut:
      death = {ErrorCode::kUnreadable,
               "timeout",
               fmt::format("gave no answer within {} seconds", settings.timeout_seconds)};
      break;
    case Channel::Status::kClosed:
      death = child->reap();
      break;
    case Channel::Status::kMessage:
      death = {ErrorCode::kUnreadable, "parser-crashed", "gave an answer that makes no sense"};
      break;
  }
  child.reset();
  return {
      death.code,
      death.reason_code,
      fmt::format("{}: the parser {} on this file; leave it out or convert it with another tool",
                  name,
                  death.what),
      death.code == ErrorCode::kResources ? "raise the memory limit"
                                          : "leave it out or convert it with another tool"};
}

void WorkerClient::State::refuse_answer(std::span<const fs::path> files) {
  const FileRefusal refusal = end_child(stack_name(files), Channel::Status::kMessage);
  throw FileError(refusal.code, refusal.reason_code, refusal.sentence);
}

WorkerReply WorkerClient::State::ask(WorkerOperation operation,
                                     std::span<const fs::path> files,
                                     std::int64_t volume,
                                     Descriptor* voxels,
                                     const LabelTarget* target) {
  Channel& to_child = channel(files.size());
  Channel::Received received;
  if (to_child.send(request_bytes(operation, files, volume, target, settings.memory_files))) {
    received = to_child.receive(deadline());
  }
  FileRefusal refusal;
  if (received.status != Channel::Status::kMessage) {
    refusal = end_child(stack_name(files), received.status);
  } else {
    try {
      WorkerReply reply = read_reply(received.message);
      if (!reply.refusal) {
        if (voxels != nullptr) {
          *voxels = std::move(received.descriptor);
        }
        return reply;
      }
      refusal = *std::move(reply.refusal);
    } catch (const std::exception&) {
      refusal = end_child(stack_name(files), Channel::Status::kMessage);
    }
  }
  throw FileError(refusal.code, refusal.reason_code, refusal.sentence);
}

template <class T>
std::optional<VoxelVector<T>> WorkerClient::State::take_voxels(const WorkerReply& reply,
                                                               const Descriptor& file) {
  VoxelVector<T> voxels;
  voxels.resize(static_cast<std::size_t>(reply.geometry.voxels()));
  const std::span<std::byte> bytes = std::as_writable_bytes(std::span(voxels));
  if (settings.memory_files) {
    read_memory_file(file, bytes);
    return voxels;
  }
  const MemoryRead read =
      read_memory_of(static_cast<int>(child->process_id()), reply.voxels_at, bytes);
  MARROW_CHECK(read != MemoryRead::kFailed);
  return read == MemoryRead::kDone ? std::optional(std::move(voxels)) : std::nullopt;
}

template <class T>
Grid<T> WorkerClient::State::ask_for_voxels(WorkerOperation operation,
                                            std::span<const fs::path> files,
                                            std::int64_t volume,
                                            const LabelTarget* target) {
  Descriptor memory;
  WorkerReply reply = ask(operation, files, volume, &memory, target);
  Grid<T> grid;
  try {
    if (std::is_same_v<T, float> && reply.plain) {
      if constexpr (std::is_same_v<T, float>) {
        grid = read_plain_stack(*reply.plain, files);
      }
    } else {
      std::optional<VoxelVector<T>> voxels = take_voxels<T>(reply, memory);
      if (!voxels) {
        settings.memory_files = true;
        reply = ask(operation, files, volume, &memory, target);
        voxels = take_voxels<T>(reply, memory);
      }
      grid = {reply.geometry, *std::move(voxels)};
    }
    warnings.clear();
    for (const std::string& warning : reply.warnings) {
      warnings.push_back(printable(warning, 800));
      log::warn(warnings.back());
    }
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kResources,
                "no memory for a volume of " + describe(reply.geometry) + "; close other programs");
  } catch (const FileError&) {
    throw;  // what is wrong with the file, not with the answer
  } catch (const Error&) {
    refuse_answer(files);
  }
  return grid;
}

// The inspection of a list of files, by as many children as it takes.
class WorkerClient::Inspection {
 public:
  Inspection(State& state, std::span<const fs::path> files) : state_(state), files_(files) {
    facts_.reserve(files.size());
  }

  [[nodiscard]] std::vector<FileFacts> run() {
    while (facts_.size() < files_.size()) {
      next_ = facts_.size();
      alone_ = false;
      ends_.clear();
      if (const auto failure = ask_one_child()) {
        take_failure(*failure);
      }
    }
    return std::move(facts_);
  }

 private:
  // Until all is answered, the child has served its time or it fails.
  std::optional<Channel::Status> ask_one_child() {
    Channel* channel = &state_.channel(0);
    bool open = true;
    for (;;) {
      while (open && ends_.size() < kRequestsAhead && next_ < files_.size() &&
             (ends_.empty() || state_.served < state_.settings.requests_per_child)) {
        if (ends_.empty()) {
          channel = &state_.channel(0);
        }
        open = send_request(*channel);
        if (!open && ends_.size() == 1) {
          return Channel::Status::kClosed;
        }
        if (!open) {
          // It died, and what it said before, of the file that killed it, too, is still to be read.
          ends_.pop_back();
          next_ = ends_.back();
        }
      }
      if (ends_.empty()) {
        if (!open) {
          state_.child.reset();
        }
        return std::nullopt;
      }
      const Channel::Received received = channel->receive(state_.deadline());
      if (received.status != Channel::Status::kMessage || !take(received.message)) {
        return received.status;
      }
    }
  }

  bool send_request(Channel& channel) {
    // After a death that nobody is known to be to blame for, the files of that request go singly.
    const std::size_t most = next_ < singly_until_ ? 1 : kFilesPerRequest;
    std::size_t count = 0;
    for (std::size_t bytes = 0; count < most && next_ + count < files_.size(); ++count) {
      bytes += files_[next_ + count].native().size();
      if (count > 0 && bytes > kRequestBytes) {
        break;
      }
    }
    const auto files = files_.subspan(next_, count);
    next_ += count;
    ends_.push_back(next_);
    state_.served += static_cast<std::int64_t>(count);
    return channel.send(request_bytes(WorkerOperation::kInspect, files));
  }

  // False when the message makes no sense; what was understood of it is not kept either.
  bool take(std::string_view message) {
    const std::size_t before = facts_.size();
    try {
      ByteReader reader(message);
      const AnswersHead head = read_answers_head(reader);
      MARROW_CHECK(head.count <= ends_.front() - before);
      for (std::uint64_t n = 0; n < head.count; ++n) {
        facts_.push_back(read_facts(reader, files_[facts_.size()]));
      }
      MARROW_CHECK(reader.rest().empty());
      alone_ = head.next_is_alone;
    } catch (const Error&) {
      facts_.resize(before);
      return false;
    }
    if (facts_.size() == ends_.front()) {
      ends_.pop_front();
      alone_ = false;
    }
    return true;
  }

  void take_failure(Channel::Status status) {
    const std::size_t file = facts_.size();
    if (!alone_ && ends_.front() - file > 1) {
      singly_until_ = ends_.front();
      state_.child.reset();
      return;
    }
    facts_.push_back(
        {files_[file], state_.end_child(printable(files_[file].string(), 400), status)});
  }

  State& state_;
  std::span<const fs::path> files_;
  std::vector<FileFacts> facts_;  // of the first files, in order
  std::size_t next_ = 0;          // the first file that no request has asked about
  std::deque<std::size_t> ends_;  // of the requests on their way: the file behind the last
  bool alone_ = false;            // the child reads the first unanswered file by itself
  std::size_t singly_until_ = 0;
};

WorkerClient::WorkerClient(const WorkerSettings& settings) : state_(std::make_unique<State>()) {
  state_->settings = settings;
  fs::path& executable = state_->settings.executable;
  if (executable.empty()) {
    executable = executable_folder() / "marrow-worker";
  }
  if (::access(executable.c_str(), X_OK) != 0) {
    throw Error(ErrorCode::kInternal,
                "worker: expected the program " + executable.string() +
                    ", which parses image files, found none; install it beside marrow");
  }
}

WorkerClient::~WorkerClient() = default;

FileFacts WorkerClient::inspect(const fs::path& file) {
  return std::move(inspect(std::span<const fs::path>(&file, 1)).front());
}

std::vector<FileFacts> WorkerClient::inspect(std::span<const fs::path> files) {
  return Inspection(*state_, files).run();
}

Volume WorkerClient::volume(std::span<const fs::path> files,
                            std::optional<std::int64_t> volume_index) {
  return state_->ask_for_voxels<float>(WorkerOperation::kVolume, files, volume_index.value_or(-1));
}

LabelMap WorkerClient::labels(std::span<const fs::path> files,
                              std::optional<std::int64_t> volume_index) {
  return state_->ask_for_voxels<std::uint16_t>(
      WorkerOperation::kLabels, files, volume_index.value_or(-1));
}

LabelMap WorkerClient::labels(std::span<const fs::path> files, const LabelTarget& target) {
  return state_->ask_for_voxels<std::uint16_t>(WorkerOperation::kLabels, files, -1, &target);
}

Volume WorkerClient::npz_labels(const fs::path& file, int part) {
  return state_->ask_for_voxels<float>(
      WorkerOperation::kNpzLabels, std::span(&file, 1), static_cast<std::int64_t>(part));
}

LabelObject WorkerClient::label_object(const fs::path& file) {
  const std::span<const fs::path> files(&file, 1);
  WorkerReply reply = state_->ask(WorkerOperation::kLabelObject, files, -1, nullptr);
  if (!reply.object) {
    state_->refuse_answer(files);
  }
  return *std::move(reply.object);
}

Geometry WorkerClient::geometry(std::span<const fs::path> files,
                                std::optional<std::int64_t> volume_index) {
  return state_->ask(WorkerOperation::kGeometry, files, volume_index.value_or(-1), nullptr)
      .geometry;
}

const std::vector<std::string>& WorkerClient::warnings() const {
  return state_->warnings;
}

std::int64_t WorkerClient::children_started() const {
  return state_->started;
}

int WorkerClient::process_id() const {
  return state_->child ? static_cast<int>(state_->child->process_id()) : -1;
}

}  // namespace marrow
