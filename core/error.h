#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace marrow {

// What kind of failure an Error is. The value is the exit code of the program.
enum class ErrorCode {
  kInternal = 1,         // a broken invariant of our own
  kInvalidArgument = 2,  // command line, configuration, parts that do not fit together
  kNothingFound = 3,     // nothing usable among the inputs
  kUnreadable = 4,       // damaged, cut or unreadable input
  kUnsupported = 5,      // understood well enough to know that we do not read it
  kPartial = 6,          // done, but some items were refused and are listed
  kRefused = 7,          // refused for safety: leak, geometry mismatch, folder in use
  kResources = 8,        // memory or disk, with the figure
  kInterrupted = 9,      // stopped by a signal; the same command resumes
};

// The one exception type for anything a caller could have to handle. `what()` is one sentence: what
// was expected, what was found, in which file or key, and what to do. It never contains a patient
// attribute.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

// "unreadable", "unsupported", ...: the name used in issue lists and JSON.
[[nodiscard]] std::string_view error_name(ErrorCode code);

[[nodiscard]] inline int exit_code(ErrorCode code) {
  return static_cast<int>(code);
}

namespace internal {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace internal

}  // namespace marrow

// An invariant of our own, always on. Throws Error{kInternal}.
#define MARROW_CHECK(condition)                                         \
  do {                                                                  \
    if (!(condition)) {                                                 \
      ::marrow::internal::check_failed(#condition, __FILE__, __LINE__); \
    }                                                                   \
  } while (false)
