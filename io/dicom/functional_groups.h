#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include "io/dicom/dicom_header.h"

namespace marrow {

// The shared and per-frame functional groups of an enhanced multi-frame CT, MR or PET object (or a
// legacy converted one) -> `header.frame_table`: place, pixel spacing and rescale of every frame,
// and as labels what tells its volume from others ("stack", "image type", "b-value", "gradient",
// "echo time", "temporal position", "trigger delay", "spin label", "acquisition", "dimensions": the
// dimension indices other than those of space). Facts of the acquisition that such objects keep
// here (kernel, thickness, echo time, ...) go to `header.facts`. What a frame does not say the
// shared groups do. Where the groups do not describe every frame the table stays empty and the
// trait "frames_problem" says why.
//
// For .cpp files of io/dicom only.
void read_functional_groups(DcmItem& data, DicomHeader& header);

}  // namespace marrow
