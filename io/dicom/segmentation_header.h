#pragma once

#include <filesystem>

#include "io/dicom/dicom_prescan.h"
#include "io/dicom/dicom_sequences.h"
#include "io/dicom/segmentation_object.h"

namespace marrow {

// What a segmentation's data set says, checked for contradictions; the number of frames, rows,
// columns and bits agree with the pixel bytes of `layout` where they are not compressed. For .cpp
// files of io/dicom only.
[[nodiscard]] SegmentationHeader read_segmentation_header(DcmItem& data,
                                                          const DicomLayout& layout,
                                                          const std::string& transfer_syntax_uid,
                                                          const std::filesystem::path& file);

}  // namespace marrow
