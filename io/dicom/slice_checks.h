#pragma once

#include <optional>
#include <string>

#include "io/dicom/dicom_header.h"

namespace marrow {

// Limits of INPUT_RULES that a header must keep before anything is allocated.
inline constexpr std::int64_t kMaxDicomSide = 32'768;

struct DicomRefusal {
  std::string code;      // "mosaic", "colour", ...
  std::string sentence;  // names no file: it holds for every file like this one
};

// Why a single file cannot be a slice of a grey volume, whatever the files beside it are; nothing
// when it can. Codes: not-a-volume, segmentation-object, rt-dose, multi-frame, mosaic, colour,
// palette, suv-not-computable, bad-rescale, bad-bits, bad-attribute, bad-size, pixel-size-mismatch,
// unsupported-syntax, no-position, bad-orientation, no-spacing, no-series-uid.
[[nodiscard]] std::optional<DicomRefusal> unusable_slice(const DicomHeader& header);

// Why a file cannot be read as one picture (dicom_picture.h). Codes as above, and several-frames.
[[nodiscard]] std::optional<DicomRefusal> unusable_picture(const DicomHeader& header);

// Why a readable slice is left out of the volumes to learn from by default.
// Codes: localizer, screen-save, dose-report, projection, secondary-capture, derived.
[[nodiscard]] std::optional<DicomRefusal> excluded_slice(const DicomHeader& header);

}  // namespace marrow
