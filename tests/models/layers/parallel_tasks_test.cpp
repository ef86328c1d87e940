#include "models/layers/parallel_tasks.h"

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(ParallelTasks, RunsEveryTaskOnce) {
  std::vector<std::atomic<int>> runs(1000);

  parallel_tasks(1000, [&](std::int64_t i) { ++runs[static_cast<std::size_t>(i)]; });

  for (const auto& count : runs) {
    EXPECT_EQ(count, 1);
  }
}

TEST(ParallelTasks, SharesTheWorkAmongTorchThreads) {
  if (at::get_num_threads() < 2) {
    GTEST_SKIP() << "torch has one thread here";
  }
  std::mutex guard;
  std::set<std::thread::id> threads;

  parallel_tasks(64, [&](std::int64_t) {
    const std::lock_guard<std::mutex> lock(guard);
    threads.insert(std::this_thread::get_id());
  });

  EXPECT_GE(threads.size(), 2U);
}

TEST(ParallelTasks, HandsAnExceptionToTheCaller) {
  EXPECT_THROW(parallel_tasks(100,
                              [](std::int64_t i) {
                                if (i == 77) {
                                  throw std::runtime_error("task 77");
                                }
                              }),
               std::runtime_error);
}

TEST(ParallelTasks, DoesNothingWithoutTasks) {
  parallel_tasks(0, [](std::int64_t) { FAIL(); });
}

}  // namespace
}  // namespace marrow
