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

// Brings the pixels of a data set to little endian, through DCMTK's codecs where they are
// compressed. What went wrong, or nothing: also where the JPEG decoder only logs that the stream is
// damaged and makes up pixels.
[[nodiscard]] std::optional<std::string> decompress_pixels(DcmDataset& data);

// The value of an element as text, several values separated by backslashes, padding removed; ""
// when absent or empty. Elements of unknown representation (private ones of implicit files) are
// taken as text when they are printable.
[[nodiscard]] std::string dicom_text(DcmItem& item, const DcmTagKey& tag);
[[nodiscard]] std::vector<std::string> dicom_texts(DcmItem& item, const DcmTagKey& tag);

// Strict decimal numbers, by parse_decimal (US, SS, UL, FD, ... are converted). Absent or empty
// elements give an empty list; something that is no number gives nothing at all.
[[nodiscard]] std::optional<std::vector<double>> dicom_numbers(DcmItem& item, const DcmTagKey& tag);

}  // namespace marrow
