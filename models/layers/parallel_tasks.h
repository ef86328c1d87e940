#pragma once

#include <cstdint>

#include <c10/util/FunctionRef.h>

namespace marrow {

// Runs body(0) ... body(tasks - 1), shared out among torch's own worker threads
// (at::get_num_threads() of them), so that our kernels and torch's never compete for the cores. The
// bodies must be independent. An exception leaves the call.
void parallel_tasks(std::int64_t tasks, c10::function_ref<void(std::int64_t)> body);

}  // namespace marrow
