#include "io/dicom/label_object.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/files.h"
#include "core/text.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/dicom_sequences.h"
#include "io/dicom/dicom_source.h"
#include "io/dicom/segmentation_object.h"
#include "io/dicom/sop_classes.h"
#include "io/dicom/structure_set.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

LabelObjectKind label_object_kind(const fs::path& file) {
  std::string uid;
  const bool dicom = is_dicom(MappedFile(file).bytes());
  if (dicom) {
    const DicomSource source(file, kMaxLabelElements);
    DcmFileFormat format;
    uid = source.layout().media_sop_class_uid;
    if (uid.empty()) {
      source.load_header(format);
      uid = dicom_text(*format.getDataset(), DCM_SOPClassUID);
    }
  }
  if (uid == UID_RTStructureSetStorage) {
    return LabelObjectKind::kStructureSet;
  }
  if (dicom_kind(uid) == DicomKind::kSegmentation) {
    return LabelObjectKind::kSegmentation;
  }
  refuse_label_object(ErrorCode::kUnsupported,
                      "not-labels",
                      file,
                      "expected a DICOM segmentation or an RT structure set, found " +
                          (dicom ? sop_class_name(uid) : std::string("no DICOM file")) +
                          "; give the file of the labels");
}

LabelObject object_of_segmentation(const SegmentationHeader& header) {
  LabelObject object;
  object.kind = LabelObjectKind::kSegmentation;
  object.study_uid = header.study_uid;
  object.series_uid = header.series_uid;
  object.instance_uid = header.instance_uid;
  if (!header.frame_of_reference_uid.empty()) {
    object.frame_of_reference_uids = {header.frame_of_reference_uid};
  }
  object.referenced_series = header.references.series_uids;
  object.referenced_instances = header.references.instance_uids;
  for (const Segment& segment : header.segments) {
    object.regions.push_back({segment.number, segment.label});
  }
  return object;
}

LabelObject object_of_structures(const StructureSet& set) {
  LabelObject object;
  object.kind = LabelObjectKind::kStructureSet;
  object.study_uid = set.study_uid;
  object.series_uid = set.series_uid;
  object.instance_uid = set.instance_uid;
  object.referenced_series = set.references.series_uids;
  object.referenced_instances = set.references.instance_uids;
  std::set<std::string> spaces;
  for (const RegionOfInterest& region : set.regions) {
    if (!region.contours.empty()) {
      object.regions.push_back({region.number, region.name});
      spaces.insert(region.frame_of_reference_uid);
    }
  }
  spaces.erase("");
  object.frame_of_reference_uids = {spaces.begin(), spaces.end()};
  return object;
}

LabelRequest request_on(const LabelTarget& target) {
  MARROW_CHECK(!target.grid_files.empty());
  const std::vector<DicomHeader> headers = read_dicom_headers(target.grid_files);
  return {dicom_stack_geometry(headers, target.grid_volume),
          headers.front().frame_of_reference_uid,
          target.values};
}

}  // namespace

LabelObject read_label_object(const fs::path& file) {
  prepare_dcmtk();
  return label_object_kind(file) == LabelObjectKind::kStructureSet
             ? object_of_structures(read_structure_set(file))
             : object_of_segmentation(SegmentationObject(file).header());
}

PaintedLabels read_object_labels(std::span<const fs::path> files, const LabelTarget& target) {
  prepare_dcmtk();
  MARROW_CHECK(!files.empty());
  LabelPainter painter(request_on(target));
  for (const fs::path& file : files) {
    if (label_object_kind(file) == LabelObjectKind::kStructureSet) {
      paint_structures(read_structure_set(file), painter);
    } else {
      paint_segmentation(SegmentationObject(file), painter);
    }
  }
  return painter.finish(files.front());
}

}  // namespace marrow
