#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include "io/dicom/header_tags.h"

namespace marrow {

// The tag of the element in this data set; DCM_UndefinedTagKey when its creator reserved no block.
// For .cpp files of io/dicom only.
[[nodiscard]] DcmTagKey private_tag(DcmItem& item, const PrivateElement& wanted);

}  // namespace marrow
