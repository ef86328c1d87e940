#include "models/training/crash_note.h"

#include <string_view>
#include <unistd.h>

namespace marrow {

namespace {

constexpr int kInternalError = 1;  // exit code

// Only what may be called in a signal handler.
void say_and_end(int) {
  constexpr std::string_view kNote =
      "\nerror: training ended with a segmentation fault while it computed in bfloat16, which some "
      "convolutions do in LibTorch's library for this processor; begin again with "
      "train.precision=fp32, another data.patch_size or another train.batch_size, and another "
      "--out; checkpoints that were written are whole\n";
  static_cast<void>(!::write(STDERR_FILENO, kNote.data(), kNote.size()));
  ::_exit(kInternalError);
}

}  // namespace

CrashNote::CrashNote(const ComputeMode& mode, const at::Device& device)
    : active_(mode.bf16 && device.is_cpu()) {
  if (active_) {
    struct sigaction action = {};
    action.sa_handler = say_and_end;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGSEGV, &action, &before_);
  }
}

CrashNote::~CrashNote() {
  if (active_) {
    ::sigaction(SIGSEGV, &before_, nullptr);
  }
}

}  // namespace marrow
