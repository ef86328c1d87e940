#pragma once

#include <string>
#include <string_view>

#include "io/dicom/dicom_header.h"

namespace marrow {

// Keys of one patient must meet whatever hands typed: upper case, without blanks, padding and the
// carets between parts of a name.
[[nodiscard]] std::string normal_patient(std::string_view text);

// The normal patient id of a header or, where that is empty, the normal name; empty when both are.
// To be digested before it is kept.
[[nodiscard]] std::string patient_key(const DicomHeader& header);

}  // namespace marrow
