#include "io/dicom/structure_set.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/text.h"
#include "io/dicom/character_set.h"
#include "io/dicom/dicom_sequences.h"
#include "io/dicom/dicom_source.h"
#include "io/dicom/segmentation_header.h"
#include "io/dicom/sop_classes.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostContourPoints = 50'000'000;
constexpr std::size_t kContourTypeCharacters = 32;

bool is_closed_contour(const std::string& type) {
  return type == "CLOSED_PLANAR" || type == "CLOSEDPLANAR_XOR";
}

// Those that bound no area (PS3.3, C.8.8.6.1).
bool is_open_contour(const std::string& type) {
  return type == "POINT" || type == "OPEN_PLANAR" || type == "OPEN_NONPLANAR";
}

// How often Contour Data is there, wherever it lies.
std::int64_t count_contour_data(DcmObject& object) {
  std::int64_t count = object.getTag() == DCM_ContourData ? 1 : 0;
  if (object.isLeaf()) {
    return count;
  }
  for (DcmObject* next = object.nextInContainer(nullptr); next != nullptr;
       next = object.nextInContainer(next)) {
    count += count_contour_data(*next);
  }
  return count;
}

class StructureSetReader {
 public:
  StructureSetReader(DcmItem& data, const fs::path& file) : data_(data) { set_.file = file; }

  StructureSet read() {
    read_identity();
    check_sequences();
    read_regions();
    read_types();
    read_contours();
    read_references();
    return std::move(set_);
  }

 private:
  [[noreturn]] void unreadable(const std::string& reason_code, const std::string& sentence) const {
    refuse_label_object(ErrorCode::kUnreadable,
                        reason_code,
                        set_.file,
                        sentence + "; export the structure set again");
  }

  void read_identity() {
    const std::string uid = dicom_text(data_, DCM_SOPClassUID);
    if (uid != UID_RTStructureSetStorage) {
      const std::string name = sop_class_name(uid);
      refuse_label_object(ErrorCode::kUnsupported,
                          "not-a-structure-set",
                          set_.file,
                          "expected an RT structure set, found " +
                              (name.empty() ? "a file without SOP class" : name));
    }
    set_.study_uid = dicom_text(data_, DCM_StudyInstanceUID);
    set_.series_uid = dicom_text(data_, DCM_SeriesInstanceUID);
    set_.instance_uid = dicom_text(data_, DCM_SOPInstanceUID);
  }

  // Every structure set has both (PS3.3, A.19.3). A file that ends between two elements looks
  // whole, and its labels would be missing without a word.
  void check_sequences() const {
    for (const DcmTagKey& tag : {DCM_StructureSetROISequence, DCM_ROIContourSequence}) {
      if (!data_.tagExists(tag)) {
        unreadable("cut-short", fmt::format("the {} is missing", DcmTag(tag).getTagName()));
      }
    }
  }

  void read_regions() {
    for (DcmItem* const item : dicom_items(data_, DCM_StructureSetROISequence)) {
      const auto number = whole_number(*item, DCM_ROINumber, 0, 2147483647);
      if (!number) {
        unreadable("bad-attribute", "a region has no ROI Number");
      }
      RegionOfInterest region;
      region.number = *number;
      region.name = DicomTexts(data_).utf8(dicom_text(*item, DCM_ROIName));
      if (region.name.empty()) {
        region.name = fmt::format("region {}", *number);
      }
      region.frame_of_reference_uid = dicom_text(*item, DCM_ReferencedFrameOfReferenceUID);
      set_.regions.push_back(std::move(region));
    }
    std::sort(set_.regions.begin(), set_.regions.end(), [](const auto& a, const auto& b) {
      return a.number < b.number;
    });
    const auto twice = std::adjacent_find(
        set_.regions.begin(), set_.regions.end(), [](const auto& a, const auto& b) {
          return a.number == b.number;
        });
    if (set_.regions.empty() || twice != set_.regions.end()) {
      unreadable("bad-attribute",
                 set_.regions.empty()
                     ? "expected at least one region, found none"
                     : fmt::format("the region number {} is there twice", twice->number));
    }
  }

  // Null when the item refers to no region of the file.
  RegionOfInterest* region_of(DcmItem& item) {
    const auto number = whole_number(item, DCM_ReferencedROINumber, 0, 2147483647);
    const auto found =
        std::lower_bound(set_.regions.begin(),
                         set_.regions.end(),
                         number.value_or(-1),
                         [](const RegionOfInterest& r, std::int64_t n) { return r.number < n; });
    return number && found != set_.regions.end() && found->number == *number ? &*found : nullptr;
  }

  void read_types() {
    for (DcmItem* const item : dicom_items(data_, DCM_RTROIObservationsSequence)) {
      if (RegionOfInterest* const region = region_of(*item)) {
        region->type = printable(dicom_text(*item, DCM_RTROIInterpretedType), 32);
      }
    }
  }

  void read_contours() {
    for (DcmItem* const item : dicom_items(data_, DCM_ROIContourSequence)) {
      RegionOfInterest* const region = region_of(*item);
      if (region == nullptr) {
        unreadable("bad-attribute", "contours refer to a region that is not described");
      }
      for (DcmItem* const contour : dicom_items(*item, DCM_ContourSequence)) {
        read_contour(*contour, *region);
        with_data_ += contour->tagExists(DCM_ContourData) ? 1 : 0;
      }
    }
    // A damaged tag hides contours, and what is hidden would be labelled as background.
    if (const std::int64_t there = count_contour_data(data_); there != with_data_) {
      unreadable("bad-contour",
                 fmt::format("{} of {} contours lie where no region's contours belong",
                             there - with_data_,
                             there));
    }
  }

  void read_contour(DcmItem& item, RegionOfInterest& region) {
    add_instances(item, DCM_ContourImageSequence, set_.references);
    const std::string type = dicom_text(item, DCM_ContourGeometricType);
    if (is_open_contour(type)) {
      ++region.left_out[type];
      return;
    }
    if (!is_closed_contour(type)) {
      unreadable("bad-contour",
                 fmt::format("expected contours of region {} to be CLOSED_PLANAR or another type "
                             "of the standard, found \"{}\"",
                             region.number,
                             printable(type, kContourTypeCharacters)));
    }
    const auto numbers = long_numbers(item, DCM_ContourData);
    const auto stated = whole_number(item, DCM_NumberOfContourPoints, 1, kMostContourPoints);
    if (!numbers || !stated || static_cast<std::int64_t>(numbers->size()) != 3 * *stated) {
      unreadable("bad-contour",
                 fmt::format("contour {} of region {} has {} of the {} coordinates that its {} "
                             "points need",
                             region.contours.size() + 1,
                             region.number,
                             numbers ? fmt::format("{}", numbers->size()) : "other things than all",
                             3 * stated.value_or(0),
                             stated ? fmt::format("{}", *stated) : "unstated"));
    }
    points_ += *stated;
    if (points_ > kMostContourPoints) {
      refuse_label_object(
          ErrorCode::kUnsupported,
          "too-large",
          set_.file,
          fmt::format("more than {} contour points; split the structure set", kMostContourPoints));
    }
    Contour points;
    points.reserve(static_cast<std::size_t>(*stated));
    for (std::size_t n = 0; n < numbers->size(); n += 3) {
      points.emplace_back((*numbers)[n], (*numbers)[n + 1], (*numbers)[n + 2]);
    }
    region.contours.push_back(std::move(points));
  }

  void read_references() {
    for (DcmItem* const frame : dicom_items(data_, DCM_ReferencedFrameOfReferenceSequence)) {
      for (DcmItem* const study : dicom_items(*frame, DCM_RTReferencedStudySequence)) {
        for (DcmItem* const series : dicom_items(*study, DCM_RTReferencedSeriesSequence)) {
          add_series(*series, DCM_ContourImageSequence, set_.references);
        }
      }
    }
    sort_references(set_.references);
  }

  DcmItem& data_;
  StructureSet set_;
  std::int64_t points_ = 0;
  std::int64_t with_data_ = 0;  // contours that have Contour Data
};

}  // namespace

StructureSet read_structure_set(const fs::path& file) {
  prepare_dcmtk();
  const DicomSource source(file, kMaxLabelElements);
  DcmFileFormat format;
  source.load_header(format);
  return StructureSetReader(*format.getDataset(), file).read();
}

}  // namespace marrow
