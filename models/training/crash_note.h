#pragma once

#include <csignal>

#include <c10/core/Device.h>

#include "models/training/precision.h"

namespace marrow {

// While it lives, a segmentation fault of a computation in bfloat16 on a CPU ends the program with
// a sentence that says what goes around it, and exit code 1, in place of nothing: LibTorch 2.11
// has such a fault in some weight gradients (docs/runs.md). Does nothing for other modes. One at a
// time.
class CrashNote {
 public:
  CrashNote(const ComputeMode& mode, const at::Device& device);
  ~CrashNote();
  CrashNote(const CrashNote&) = delete;
  CrashNote& operator=(const CrashNote&) = delete;

 private:
  bool active_ = false;
  struct sigaction before_ = {};
};

}  // namespace marrow
