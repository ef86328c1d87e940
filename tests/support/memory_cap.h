#pragma once

#include <cstdint>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

#include "core/error.h"
#include "io/worker/limits.h"

namespace marrow::testing {

// While it lives, this process can take `room_bytes` more of address space than it has, so that an
// allocation by what a damaged header claims fails. Does nothing under sanitizers.
class MemoryCap {
 public:
  explicit MemoryCap(std::uint64_t room_bytes) {
    if (!kMemoryLimitWorks) {
      return;
    }
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    MARROW_CHECK(pages > 0 && ::getrlimit(RLIMIT_AS, &before_) == 0);
    rlimit capped = before_;
    capped.rlim_cur = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + room_bytes;
    MARROW_CHECK(::setrlimit(RLIMIT_AS, &capped) == 0);
  }

  ~MemoryCap() {
    if (kMemoryLimitWorks) {
      ::setrlimit(RLIMIT_AS, &before_);
    }
  }

  MemoryCap(const MemoryCap&) = delete;
  MemoryCap& operator=(const MemoryCap&) = delete;

 private:
  rlimit before_{};
};

}  // namespace marrow::testing
