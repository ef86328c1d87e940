#include "core/error.h"

#include <string>

namespace marrow {

std::string_view error_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal:
      return "internal";
    case ErrorCode::kInvalidArgument:
      return "invalid-argument";
    case ErrorCode::kNothingFound:
      return "nothing-found";
    case ErrorCode::kUnreadable:
      return "unreadable";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kPartial:
      return "partial";
    case ErrorCode::kRefused:
      return "refused";
    case ErrorCode::kResources:
      return "resources";
    case ErrorCode::kInterrupted:
      return "interrupted";
  }
  return "internal";
}

namespace internal {

void check_failed(const char* condition, const char* file, int line) {
  throw Error(ErrorCode::kInternal,
              std::string("internal error: the invariant \"") + condition + "\" does not hold in " +
                  file + ":" + std::to_string(line) + "; please report this");
}

}  // namespace internal

}  // namespace marrow
