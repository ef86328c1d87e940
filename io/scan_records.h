#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/records.h"
#include "io/dicom/grouping.h"
#include "io/worker/file_facts.h"

namespace marrow {

// The header as it may be kept: identifiers become digests keyed with the salt (UIDs as they are;
// the patient id in upper case without blanks, or the name, or the study when both are empty),
// names and comments go.
[[nodiscard]] DicomHeader without_identity(DicomHeader header, const std::string& salt);

// Of a stack whose headers have been through without_identity. Files are sorted.
[[nodiscard]] SeriesRecord dicom_record(const DicomStack& stack, const std::string& salt);

// One record per NIfTI, NRRD or MetaImage file. `roots`: the archives, for keys that do not depend
// on where an archive lies.
[[nodiscard]] std::vector<SeriesRecord> volume_file_records(
    std::span<const FileFacts> files,
    std::span<const std::filesystem::path> roots,
    const std::string& salt);

[[nodiscard]] Issue issue_of(const SeriesRecord& refused);
[[nodiscard]] Issue issue_of(const FileFacts& refused);

}  // namespace marrow
