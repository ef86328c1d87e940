#pragma once

#include <cstdint>
#include <functional>

namespace marrow {

// Runs job(0) ... job(count - 1) on up to `threads` threads, the calling one among them, in any
// order. The first exception ends the rest and is rethrown; a signal ends with Error{kInterrupted}
// that says it came while `doing` ("preparing volumes").
void parallel_jobs(std::int64_t count,
                   std::int64_t threads,
                   const char* doing,
                   const std::function<void(std::int64_t)>& job);

}  // namespace marrow
