#include "core/parallel_jobs.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/interrupt.h"

namespace marrow {

void parallel_jobs(std::int64_t count,
                   std::int64_t threads,
                   const char* doing,
                   const std::function<void(std::int64_t)>& job) {
  std::atomic<std::int64_t> next{0};
  std::mutex guard;
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::int64_t n = next++; n < count; n = next++) {
      try {
        throw_if_interrupted(doing);
        job(n);
      } catch (...) {  // kept for the calling thread, which rethrows it
        const std::lock_guard<std::mutex> lock(guard);
        if (!failure) {
          failure = std::current_exception();
        }
        next = count;
      }
    }
  };
  {
    std::vector<std::jthread> pool;
    for (std::int64_t n = 1; n < std::min(threads, count); ++n) {
      pool.emplace_back(work);
    }
    work();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
  throw_if_interrupted(doing);
}

}  // namespace marrow
