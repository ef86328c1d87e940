#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include "io/dicom/dicom_header.h"

namespace marrow {

// Siemens and United Imaging scanners tile the slices of a volume into one picture, row by row, as
// many columns as rows of tiles (Siemens) or as few rows as hold them (United Imaging). Fills
// `header.frame_table` with one entry a tile, each with the position of its own first pixel, and
// the traits "mosaic_tiles" (their number), "tile_rows" and "tile_columns" (pixels of one). Where
// the file is a mosaic whose geometry is not all there, the table stays empty and the trait
// "frames_problem" says what is missing. Leaves other files alone.
//
// Siemens: ImagePositionPatient is that of a slice as large as the whole picture, with the centre
// of the first tile at its centre; the slices follow each other along the CSA header's
// SliceNormalVector, SpacingBetweenSlices apart. United Imaging: every tile has its position in
// the private sequence (0065,xx51).
//
// For .cpp files of io/dicom only.
void read_mosaic(DcmItem& data, DicomHeader& header);

}  // namespace marrow
