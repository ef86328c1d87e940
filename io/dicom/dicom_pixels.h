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

// What turns the stored values of one slice into those of a volume.
struct SliceScale {
  double slope = 1;
  double intercept = 0;
  bool inverted = false;  // MONOCHROME1: the largest stored value becomes the smallest
};

// One grey slice of `file` -> `out` (place.rows x place.columns values): the modality look-up table
// or else slope and intercept applied in double precision. Returns which pixels are outside the
// picture, by the file's padding value or because they are no finite number; empty when none can
// be. Throws Error{kUnreadable} when the picture has more than one sample a pixel.
[[nodiscard]] std::vector<bool> read_slice_values(PixelFile& file,
                                                  const SlicePlace& place,
                                                  std::int64_t columns_of_file,
                                                  const SliceScale& scale,
                                                  std::span<float> out);

}  // namespace marrow
