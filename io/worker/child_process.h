#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

#include "core/error.h"
#include "io/worker/channel.h"

namespace marrow {

// The exit status of a child that ran out of memory where it could not answer any more.
inline constexpr int kWorkerOutOfMemory = 12;
// The descriptor on which the child finds its end of the channel.
inline constexpr int kWorkerSocket = 3;

// Why a child ended, in words that complete "the parser ...".
struct ChildDeath {
  ErrorCode code = ErrorCode::kUnreadable;
  std::string reason_code;  // "parser-crashed", "cpu-limit", "out-of-memory", "timeout"
  std::string what;
};

// One started child with a channel to it. It sees no descriptor of ours but the channel, reads
// /dev/null and takes no terminal signals. Ended with the object.
class ChildProcess {
 public:
  // Throws Error{kInternal} when the program cannot be started.
  ChildProcess(const std::filesystem::path& executable,
               const std::vector<std::string>& arguments,
               std::chrono::milliseconds send_timeout);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] Channel& channel() { return channel_; }

  [[nodiscard]] pid_t process_id() const { return process_; }

  // Waits for the end of a child that has closed its channel. Ends it if it lingers.
  [[nodiscard]] ChildDeath reap();
  // Ends a child that does not answer.
  void kill();

 private:
  pid_t process_ = -1;
  Channel channel_;
};

}  // namespace marrow
