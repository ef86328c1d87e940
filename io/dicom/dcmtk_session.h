#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

namespace marrow {

// Once per process: silences DCMTK's own log, checks that its dictionary is there, registers the
// decoders. For .cpp files of io/dicom only. Throws Error{kInternal} when the dictionary is
// missing.
void prepare_dcmtk();

// How often the JPEG decoder has warned on this thread, since the first prepare_dcmtk(): a picture
// during whose decoding this grows is damaged, although DCMTK gives pixels for it.
[[nodiscard]] std::int64_t jpeg_complaints();

// The value of an element as text, several values separated by backslashes, padding removed; ""
// when absent or empty. Elements of unknown representation (private ones of implicit files) are
// taken as text when they are printable.
[[nodiscard]] std::string dicom_text(DcmItem& item, const DcmTagKey& tag);
[[nodiscard]] std::vector<std::string> dicom_texts(DcmItem& item, const DcmTagKey& tag);

// Strict decimal numbers, by parse_decimal (US, SS, UL, FD, ... are converted). Absent or empty
// elements give an empty list; something that is no number gives nothing at all.
[[nodiscard]] std::optional<std::vector<double>> dicom_numbers(DcmItem& item, const DcmTagKey& tag);

}  // namespace marrow
