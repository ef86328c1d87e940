#include "io/worker/child_process.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

extern char** environ;

namespace marrow {

namespace {

// Under a sanitizer the child's reports are worth more than its silence.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSilentChild = false;
#else
constexpr bool kSilentChild = true;
#endif

class SpawnSetup {
 public:
  explicit SpawnSetup(int socket) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, 1, "/dev/null", O_WRONLY, 0);
    if (kSilentChild) {
      posix_spawn_file_actions_addopen(&actions_, 2, "/dev/null", O_WRONLY, 0);
    }
    posix_spawn_file_actions_adddup2(&actions_, socket, kWorkerSocket);
    posix_spawn_file_actions_addclosefrom_np(&actions_, kWorkerSocket + 1);
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }

  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }

  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

ChildDeath death_by_signal(int signal) {
  switch (signal) {
    case SIGXCPU:
      return {ErrorCode::kUnreadable, "cpu-limit", "used up its computing time"};
    case SIGKILL:
      return {ErrorCode::kResources,
              "out-of-memory",
              "was killed from outside, probably because the machine ran out of memory"};
    default: {
      const char* description = sigdescr_np(signal);
      return {ErrorCode::kUnreadable,
              "parser-crashed",
              fmt::format("crashed with signal {} ({})",
                          signal,
                          description != nullptr ? description : "unknown")};
    }
  }
}

ChildDeath death_by_status(int status) {
  if (WIFSIGNALED(status)) {
    return death_by_signal(WTERMSIG(status));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kWorkerOutOfMemory) {
    return {ErrorCode::kResources, "out-of-memory", "ran out of the memory it is allowed"};
  }
  return {ErrorCode::kUnreadable,
          "parser-crashed",
          fmt::format("ended with status {}", WIFEXITED(status) ? WEXITSTATUS(status) : status)};
}

}  // namespace

ChildProcess::ChildProcess(const std::filesystem::path& executable,
                           const std::vector<std::string>& arguments,
                           std::chrono::milliseconds send_timeout) {
  int sockets[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
    throw Error(ErrorCode::kResources,
                "worker: no socket for the parsing child: " +
                    std::error_code(errno, std::generic_category()).message());
  }
  Descriptor ours(sockets[0]);
  // dup2 onto itself would leave close-on-exec set, so the child's end must not be the target
  // already.
  Descriptor theirs(::fcntl(sockets[1], F_DUPFD_CLOEXEC, kWorkerSocket + 1));
  ::close(sockets[1]);
  timeval timeout{};
  timeout.tv_sec = static_cast<time_t>(send_timeout.count() / 1000);
  timeout.tv_usec = static_cast<suseconds_t>(send_timeout.count() % 1000 * 1000);
  ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);

  const std::string program = executable.string();
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  const SpawnSetup setup(theirs.get());
  const int failure = ::posix_spawn(
      &process_, program.c_str(), setup.actions(), setup.attributes(), argv.data(), environ);
  if (failure != 0) {
    process_ = -1;
    throw Error(ErrorCode::kInternal,
                "worker: cannot start " + program + ": " +
                    std::error_code(failure, std::generic_category()).message());
  }
  channel_ = Channel(std::move(ours));
}

ChildProcess::~ChildProcess() {
  kill();
}

ChildDeath ChildProcess::reap() {
  MARROW_CHECK(process_ > 0);
  int status = 0;
  // A child that has closed its end is about to be a corpse; do not wait for one that is not.
  for (int tries = 0; tries < 2000; ++tries) {
    const pid_t done = ::waitpid(process_, &status, WNOHANG);
    if (done == process_) {
      process_ = -1;
      return death_by_status(status);
    }
    if (done < 0 && errno != EINTR) {
      process_ = -1;
      return {ErrorCode::kUnreadable, "parser-crashed", "ended"};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  kill();
  return {ErrorCode::kUnreadable, "parser-crashed", "closed its channel"};
}

void ChildProcess::kill() {
  if (process_ <= 0) {
    return;
  }
  ::kill(process_, SIGKILL);
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
}

}  // namespace marrow
