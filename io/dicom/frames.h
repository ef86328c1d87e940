#pragma once

#include <cstdint>
#include <vector>

#include "io/dicom/dicom_header.h"

namespace marrow {

// A file as the slices in it: one header per frame or tile of the frame table (`frame` counts them,
// the table itself left out), each with its own place, rescale and labels, as if it were a file of
// one slice; the header itself when it has no table.
[[nodiscard]] std::vector<DicomHeader> slices_of_file(const DicomHeader& header);

// The part of a stored picture that is one slice: the whole of frame `frame`, or a tile of frame 0.
struct SlicePlace {
  std::int64_t frame = 0;
  std::int64_t first_row = 0, first_column = 0;
  std::int64_t rows = 0, columns = 0;
};

// Where slice `slice` (DicomHeader::frame of slices_of_file; -1 for a file of one slice) of `file`,
// as read from disk, lies among its pixels. Throws Error{kUnreadable} when there is no such slice.
[[nodiscard]] SlicePlace slice_place(const DicomHeader& file, std::int64_t slice);

}  // namespace marrow
