#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "io/dicom/dicom_header.h"
#include "io/dicom/frames.h"
#include "io/dicom/pixel_file.h"

namespace marrow {

// The stored values of the whole picture of one file, before any rescale: masked to BitsStored and
// sign-extended from it (whatever overlays hide in the bits above is dropped). Frame by frame, row
// by row, the samples of a pixel together. Integer samples of 8, 16 and 32 bits.
[[nodiscard]] std::vector<std::int64_t> read_stored_values(const DicomHeader& header);

// PET becomes SUV here; an inverted picture without a unit is turned upright.
[[nodiscard]] SliceScale slice_scale(const DicomHeader& slice);

// One grey slice of `file` -> `out` (place.rows x place.columns values), by convert_rows with
// `outside`. Returns whether a pixel is outside the picture. Throws Error{kUnreadable} when the
// picture has more than one sample a pixel.
[[nodiscard]] bool read_slice_values(PixelFile& file,
                                     const SlicePlace& place,
                                     std::int64_t columns_of_file,
                                     const SliceScale& scale,
                                     float outside,
                                     std::span<float> out);

}  // namespace marrow
