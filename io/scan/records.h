#pragma once

#include <string>

#include "core/digest.h"
#include "core/records.h"
#include "io/catalogue/volume_file_table.h"
#include "io/dicom/grouping.h"
#include "io/worker/file_facts.h"

namespace marrow {

// Makes of a header what may be kept: identifiers become digests keyed with the salt (UIDs as they
// are; patients by patient_key, or the study when that is empty), names and comments go. Remembers
// the last header, as files of a series follow each other; one object per thread.
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

[[nodiscard]] SeriesRecord volume_file_record(const KnownVolumeFile& file, const std::string& salt);

[[nodiscard]] Issue issue_of(const SeriesRecord& refused);
[[nodiscard]] Issue issue_of(const FileFacts& refused);

}  // namespace marrow
