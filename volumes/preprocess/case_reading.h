#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/case.h"
#include "core/error.h"
#include "core/volume_source.h"

namespace marrow {

// A case that cannot be used, with the code of the reason for the list of issues.
class CaseRefusal : public Error {
 public:
  CaseRefusal(ErrorCode code,
              std::string reason_code,
              const std::string& sentence,
              std::string advice)
      : Error(code, sentence), reason_code_(std::move(reason_code)), advice_(std::move(advice)) {}

  [[nodiscard]] const std::string& reason_code() const { return reason_code_; }

  [[nodiscard]] const std::string& advice() const { return advice_; }

 private:
  std::string reason_code_;
  std::string advice_;
};

// For messages: "case KEY".
[[nodiscard]] std::string case_name(const Case& one);

struct ReadCase {
  std::vector<Volume> channels;
  std::optional<LabelMap> labels;
};

// All channels of a case, and its label map, on one grid: the first channel's. `reading` is held
// while the source, which is not thread-safe, is used. Throws CaseRefusal when there is no image,
// the grids differ by more than geometry_difference tolerates, or too many voxels are not finite;
// else what the source throws.
[[nodiscard]] ReadCase read_case(const Case& one, VolumeSource& source, std::mutex& reading);

// Lines that name an image's files with their sizes and times, and which volume in them: other
// content comes with another text.
[[nodiscard]] std::string image_files_text(const ImageRef& image);

// The line of a list of refused cases.
[[nodiscard]] Issue issue_of(const Case& one, const Error& error);

}  // namespace marrow
