#pragma once

#include <string>

#include "core/digest.h"
#include "core/records.h"
#include "io/catalogue/nifti_table.h"
#include "io/dicom/grouping.h"
#include "io/worker/file_facts.h"

namespace marrow {

// Makes of a header what may be kept: identifiers become digests keyed with the salt (UIDs as they
// are; the patient id in upper case without blanks, or the name, or the study when both are empty),
// names and comments go. Remembers the last header, as files of a series follow each other; one
// object per thread.
class IdentityRemoval {
 public:
  explicit IdentityRemoval(const std::string& salt) : digest_(salt) {}

  void operator()(DicomHeader& header);

 private:
  struct Remembered {
    std::string text, digest;
  };

  void replace(std::string& text, Remembered& last) const;

  KeyedDigest digest_;
  Remembered patient_, study_, series_, frame_of_reference_;
};

// Of a stack whose headers have been through IdentityRemoval. Files are sorted.
[[nodiscard]] SeriesRecord dicom_record(const DicomStack& stack, const std::string& salt);

[[nodiscard]] SeriesRecord nifti_record(const NiftiFile& file, const std::string& salt);

[[nodiscard]] Issue issue_of(const SeriesRecord& refused);
[[nodiscard]] Issue issue_of(const FileFacts& refused);

}  // namespace marrow
