#include "core/interrupt.h"

#include <atomic>
#include <csignal>
#include <string>
#include <unistd.h>

#include "core/error.h"

namespace marrow {

namespace {

std::atomic<int> interrupt_count{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_interrupt(int /*signal*/) {
  if (interrupt_count.fetch_add(1) > 0) {
    _exit(exit_code(ErrorCode::kInterrupted));
  }
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action = {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

bool interrupted() {
  return interrupt_count.load(std::memory_order_relaxed) > 0;
}

void throw_if_interrupted(const char* doing) {
  if (interrupted()) {
    throw Error(ErrorCode::kInterrupted,
                std::string("stopped by a signal while ") + doing +
                    "; the same command goes on where it stopped");
  }
}

}  // namespace marrow
