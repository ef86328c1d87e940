#include "io/worker/requests.h"

#include <algorithm>
#include <ctime>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/progress.h"
#include "core/text.h"
#include "io/file_error.h"
#include "io/worker/limits.h"
#include "io/worker/messages.h"
#include "io/worker/read_ahead.h"
#include "io/worker/test_requests.h"
#include "io/worker/voxel_answers.h"
#include "io/worker/voxel_transfer.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

FileRefusal memory_refusal(const fs::path& file, const RequestLimits& limits) {
  return {
      ErrorCode::kResources,
      "out-of-memory",
      fmt::format("{}: reading needs more than the {} of memory that the parser is allowed; raise "
                  "the memory limit or leave the file out",
                  printable(file.string(), 400),
                  format_bytes(limits.memory_bytes)),
      "raise the memory limit"};
}

FileFacts inspect_within_limits(const fs::path& file, const RequestLimits& limits) {
  if (limits.test_requests) {
    try {
      run_test_request(file);
    } catch (const Error& error) {
      return {file, refusal_of(error, file)};
    } catch (const std::bad_alloc&) {
      return {file, memory_refusal(file, limits)};
    }
  }
  return inspect_file(file);
}

// The answers to one request to inspect. They are sent together, but never later than before the
// next file that takes a library to read: should that one end the child, they are known.
class Inspector {
 public:
  Inspector(const RequestLimits& limits, Channel& channel) : limits_(limits), channel_(channel) {
    grant();
  }

  [[nodiscard]] bool answer(const std::vector<std::string>& files) {
    static ReadAhead ahead;
    ahead.start(files);
    for (const std::string& file : files) {
      const Descriptor opened = ahead.next();
      if (!answer(file, opened)) {
        return false;
      }
    }
    ahead.finish();
    return send(false);
  }

 private:
  static constexpr std::size_t kBytesPerMessage = 32768;

  [[nodiscard]] bool answer(const std::string& file, const Descriptor& opened) {
    if (std::optional<DicomHeader> ordinary =
            test_request(file) ? std::nullopt : inspect_ordinary_file(opened)) {
      facts_.content = *std::move(ordinary);
    } else {
      if (!send(true)) {
        return false;
      }
      grant();
      facts_ = inspect_within_limits(file, limits_);
    }
    write_facts(facts_, answers_);
    ++count_;
    if (seconds_since_grant() < kGrantSeconds) {
      return answers_.size() < kBytesPerMessage || send(false);
    }
    grant();
    return send(false);
  }

  [[nodiscard]] bool test_request(const std::string& file) const {
    return limits_.test_requests && file.ends_with(".test");
  }

  [[nodiscard]] bool send(bool next_is_alone) {
    if (count_ == 0 && !next_is_alone) {
      return true;
    }
    std::string message;
    write_answers_head({count_, next_is_alone}, message);
    message += answers_;
    answers_.clear();
    count_ = 0;
    return channel_.send(message);
  }

  // Two system calls, so not for every file: the limit is for a file that takes all of it.
  void grant() {
    grant_cpu_seconds(limits_.seconds);
    granted_ = coarse_seconds();
  }

  [[nodiscard]] double seconds_since_grant() const { return coarse_seconds() - granted_; }

  // Good to some milliseconds and much cheaper than the exact one.
  static double coarse_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }

  static constexpr double kGrantSeconds = 0.05;

  const RequestLimits& limits_;
  Channel& channel_;
  FileFacts facts_;
  std::string answers_;
  std::uint64_t count_ = 0;
  double granted_ = 0;
};

}  // namespace

bool answer_request(std::string_view message, const RequestLimits& limits, Channel& channel) {
  static VoxelAnswer answer;  // its voxels are read by the other side once it has the reply

  answer = {};
  const WorkerRequest request = read_request(message);
  if (request.operation == WorkerOperation::kInspect) {
    return Inspector(limits, channel).answer(request.files);
  }
  const std::vector<fs::path> files(request.files.begin(), request.files.end());
  grant_cpu_seconds(limits.seconds);
  Descriptor file;
  try {
    if (limits.test_requests) {
      run_test_request(files.front());
    }
    answer = answer_voxels(request, files, limits);
    answer.reply.voxels_at = reinterpret_cast<std::uintptr_t>(answer.bytes().data());
    if (request.memory_file && !answer.bytes().empty()) {
      file = sealed_memory_file(answer.bytes());
      answer.voxels = {};
    }
  } catch (const Error& error) {
    answer.reply.refusal = refusal_of(error, files.front());
  } catch (const std::bad_alloc&) {
    answer.reply.refusal = memory_refusal(files.front(), limits);
  }
  return channel.send(reply_bytes(answer.reply), file.get());
}

}  // namespace marrow
