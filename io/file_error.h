#pragma once

#include <string>

#include "core/error.h"

namespace marrow {

// An Error about one input file that also knows the reason code of issue lists ("cut-short",
// "bad-transform", ...).
class FileError : public Error {
 public:
  FileError(ErrorCode code, std::string reason_code, const std::string& sentence)
      : Error(code, sentence), reason_code_(std::move(reason_code)) {}

  [[nodiscard]] const std::string& reason_code() const noexcept { return reason_code_; }

 private:
  std::string reason_code_;
};

}  // namespace marrow
