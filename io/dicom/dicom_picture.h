#pragma once

#include <cstdint>

#include "core/volume.h"
#include "io/dicom/dicom_header.h"

namespace marrow {

// Whether the object is a picture that is never a slice of a volume: a radiograph or mammogram,
// ultrasound, a photograph, a secondary capture. An archive's scan sets them aside; a CSV list
// may name them.
[[nodiscard]] bool is_dicom_picture(const DicomHeader& header);

// One slice: i along a row, j down a column, at the origin, since a picture has no place in the
// patient. Spaced as Pixel Spacing says, else as Imager Pixel Spacing (at the detector, where
// things look larger than they are), else 1 mm. Throws as read_dicom_picture does.
[[nodiscard]] Geometry dicom_picture_geometry(const DicomHeader& header);

// Grey pictures: slope and intercept or the look-up table applied, turned upright where they are
// MONOCHROME1 or presented inversely. Colours (RGB, YBR_FULL): stored values; `channel` 0 to 2 for
// red, green and blue, below 0 for their luma (grey_of_colour). A window is not applied.
//
// For the parsing child only. Throws Error as read_dicom_stack does: "several-frames", "palette",
// "colour", "bad-bits", "bad-size", "bad-rescale", ...; {kInvalidArgument, "no-such-volume"} for a
// channel that is not there, {kResources, "too-large"} beyond `max_bytes`.
[[nodiscard]] Volume read_dicom_picture(const DicomHeader& header,
                                        std::int64_t channel,
                                        std::uint64_t max_bytes);

}  // namespace marrow
