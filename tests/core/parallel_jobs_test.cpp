#include "core/parallel_jobs.h"

#include <atomic>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"

namespace marrow {
namespace {

TEST(ParallelJobs, RunEachJobOnceWhateverTheNumberOfThreads) {
  for (const std::int64_t threads : {1, 3, 20}) {
    std::vector<std::atomic<int>> runs(10);
    parallel_jobs(
        10, threads, "testing", [&](std::int64_t n) { ++runs[static_cast<std::size_t>(n)]; });
    for (const std::atomic<int>& count : runs) {
      EXPECT_EQ(count, 1);
    }
  }
}

TEST(ParallelJobs, TheFirstExceptionEndsTheRestAndIsThrownHere) {
  std::atomic<int> runs{0};

  EXPECT_THROW(parallel_jobs(1'000'000,
                             2,
                             "testing",
                             [&](std::int64_t) {
                               ++runs;
                               throw Error(ErrorCode::kUnreadable, "broken");
                             }),
               Error);

  EXPECT_LE(runs, 2);
}

}  // namespace
}  // namespace marrow
