#pragma once

#include <string_view>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

namespace marrow {

// The tag under which `creator` keeps its private element `element` (0x00..0xFF) of `group` in this
// data set, whichever block it reserved (PS3.5, 7.8); DCM_UndefinedTagKey when it reserved none.
// For .cpp files of io/dicom only.
[[nodiscard]] DcmTagKey private_tag(DcmItem& item,
                                    Uint16 group,
                                    std::string_view creator,
                                    Uint16 element);

}  // namespace marrow
