#include "io/dicom/private_elements.h"

#include "io/dicom/dcmtk_session.h"

namespace marrow {

DcmTagKey private_tag(DcmItem& item, const PrivateElement& wanted) {
  constexpr Uint16 kFirstBlock = 0x10;
  constexpr Uint16 kLastBlock = 0xFF;
  for (Uint16 block = kFirstBlock; block <= kLastBlock; ++block) {
    const DcmTagKey owner(wanted.group, block);
    if (item.tagExists(owner) && dicom_text(item, owner) == wanted.creator) {
      return {wanted.group, static_cast<Uint16>(block << 8 | wanted.element)};
    }
  }
  return DCM_UndefinedTagKey;
}

}  // namespace marrow
