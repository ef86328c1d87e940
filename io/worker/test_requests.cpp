#include "io/worker/test_requests.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"
#include "io/file_error.h"

namespace marrow {

void run_test_request(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  if (name == "crash.test") {
    std::raise(SIGSEGV);
  } else if (name == "abort.test") {
    std::abort();
  } else if (name == "spin.test") {
    while (std::clock() != static_cast<std::clock_t>(-1)) {
    }
  } else if (name == "hang.test") {
    std::this_thread::sleep_for(std::chrono::hours(1));
  } else if (name == "allocate.test") {
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the allocation is meant to fail.
    const std::vector<char> large(std::size_t{1} << 40, 'x');
    MARROW_CHECK(large.back() == 'x');
  } else if (name == "connect.test") {
    throw FileError(
        ErrorCode::kUnsupported,
        ::open("/dev/null", O_WRONLY | O_CLOEXEC) < 0 ? "writing-denied" : "writing-allowed",
        "tried to open a file for writing");
  } else if (name == "nonsense.test") {
    throw std::runtime_error("nonsense");
  }
}

}  // namespace marrow
