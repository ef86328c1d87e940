#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "io/dicom/dicom_header.h"

namespace marrow {

// The stored values of one single-frame grey file, before any rescale: masked to BitsStored and
// sign-extended from it (whatever overlays hide in the bits above is dropped). Row by row, rows x
// columns values.
struct StoredSlice {
  std::vector<std::int64_t> values;
  std::vector<bool>
      padding;  // empty when the file declares no padding value; else true outside the picture
};

// `header` must be what read_dicom_header made of the same file, and pass unusable_slice.
// Throws Error{kUnreadable} when the pixels are not all there or their codec fails.
[[nodiscard]] StoredSlice read_stored_slice(const DicomHeader& header);

}  // namespace marrow
