#include "io/dicom/label_references.h"

#include <algorithm>

#include "io/dicom/dicom_sequences.h"

namespace marrow {

namespace {

// Most repetitions stand in a row, one for every frame or contour.
void add_reference(std::vector<std::string>& uids, const std::string& uid) {
  if (!uid.empty() && (uids.empty() || uids.back() != uid)) {
    uids.push_back(uid);
  }
}

}  // namespace

void add_series(DcmItem& series, const DcmTagKey& sequence, LabelReferences& references) {
  add_reference(references.series_uids, dicom_text(series, DCM_SeriesInstanceUID));
  add_instances(series, sequence, references);
}

void add_instances(DcmItem& item, const DcmTagKey& sequence, LabelReferences& references) {
  for (DcmItem* const instance : dicom_items(item, sequence)) {
    add_reference(references.instance_uids, dicom_text(*instance, DCM_ReferencedSOPInstanceUID));
  }
}

void sort_references(LabelReferences& references) {
  for (std::vector<std::string>* uids : {&references.series_uids, &references.instance_uids}) {
    std::sort(uids->begin(), uids->end());
    uids->erase(std::unique(uids->begin(), uids->end()), uids->end());
  }
}

}  // namespace marrow
