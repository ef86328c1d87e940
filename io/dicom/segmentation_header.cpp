#include "io/dicom/segmentation_header.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/text.h"
#include "io/dicom/character_set.h"
#include "io/dicom/slice_checks.h"
#include "io/dicom/sop_classes.h"
#include "io/dicom/stack_check.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;
__extension__ using WideCount = __int128;

constexpr std::int64_t kMostFrames = 1'000'000;
constexpr WideCount kMostPackedPixels = WideCount{1}
                                        << 37;  // 16 GiB of bits, never unpacked at once
constexpr WideCount kMostDecodedBytes = WideCount{1} << 31;  // of compressed pixels

class SegmentationHeaderReader {
 public:
  SegmentationHeaderReader(DcmItem& data,
                           const DicomLayout& layout,
                           std::string syntax,
                           const fs::path& file)
      : data_(data), layout_(layout), syntax_(std::move(syntax)), file_(file) {}

  SegmentationHeader read() {
    read_identity();
    read_type();
    read_pixel_description();
    read_segments();
    read_frames();
    read_references();
    return std::move(header_);
  }

 private:
  [[noreturn]] void refuse(ErrorCode code,
                           const std::string& reason_code,
                           const std::string& sentence) const {
    refuse_label_object(code, reason_code, file_, sentence);
  }

  [[noreturn]] void bad_attribute(const std::string& sentence) const {
    refuse(ErrorCode::kUnreadable, "bad-attribute", sentence + "; export the segmentation again");
  }

  std::int64_t number(const DcmTagKey& tag, std::int64_t low, std::int64_t high) {
    const auto value = whole_number(data_, tag, low, high);
    if (!value) {
      bad_attribute(fmt::format("expected {} to be a whole number from {} to {}, found \"{}\"",
                                DcmTag(tag).getTagName(),
                                low,
                                high,
                                printable(dicom_text(data_, tag), 40)));
    }
    return *value;
  }

  void read_identity() {
    const std::string sop_class_uid = dicom_text(data_, DCM_SOPClassUID);
    if (dicom_kind(sop_class_uid) != DicomKind::kSegmentation) {
      refuse(
          ErrorCode::kUnsupported,
          "not-a-segmentation",
          "expected a DICOM segmentation, found " +
              (sop_class_uid.empty() ? "a file without SOP class" : sop_class_name(sop_class_uid)));
    }
    header_.study_uid = dicom_text(data_, DCM_StudyInstanceUID);
    header_.series_uid = dicom_text(data_, DCM_SeriesInstanceUID);
    header_.instance_uid = dicom_text(data_, DCM_SOPInstanceUID);
    header_.frame_of_reference_uid = dicom_text(data_, DCM_FrameOfReferenceUID);
  }

  void read_type() {
    static const std::map<std::string, SegmentationType> kTypes{
        {"BINARY", SegmentationType::kBinary},
        {"FRACTIONAL", SegmentationType::kFractional},
        {"LABELMAP", SegmentationType::kLabelMap}};
    const std::string word = dicom_text(data_, DCM_SegmentationType);
    const auto found = kTypes.find(word);
    if (found == kTypes.end()) {
      bad_attribute(fmt::format(
          "expected Segmentation Type to be BINARY, FRACTIONAL or LABELMAP, found \"{}\"",
          printable(word, 40)));
    }
    header_.type = found->second;
    if (header_.type == SegmentationType::kFractional) {
      header_.maximum_fraction = number(DCM_MaximumFractionalValue, 1, 255);
    }
    if (header_.type == SegmentationType::kLabelMap && data_.tagExists(DCM_PixelPaddingValue)) {
      header_.background = number(DCM_PixelPaddingValue, 0, 65535);
    }
  }

  void read_pixel_description() {
    header_.rows = number(DCM_Rows, 1, kMaxDicomSide);
    header_.columns = number(DCM_Columns, 1, kMaxDicomSide);
    frames_ = dicom_text(data_, DCM_NumberOfFrames).empty()
                  ? 1
                  : number(DCM_NumberOfFrames, 1, kMostFrames);
    const std::int64_t samples = number(DCM_SamplesPerPixel, 1, 4);
    const std::int64_t bits = number(DCM_BitsAllocated, 1, 64);
    const bool fits = header_.type == SegmentationType::kBinary       ? bits == 1
                      : header_.type == SegmentationType::kFractional ? bits == 8
                                                                      : bits == 8 || bits == 16;
    if (!fits || samples != 1 || number(DCM_BitsStored, 1, 64) != bits ||
        number(DCM_HighBit, 0, 63) + 1 != bits || number(DCM_PixelRepresentation, 0, 1) != 0) {
      refuse(
          ErrorCode::kUnsupported,
          "bad-bits",
          fmt::format("expected 1 bit a pixel of a binary segmentation, 8 of a fractional one, 8 "
                      "or 16 of a label map, all stored and unsigned, found {} bits allocated "
                      "for {}; export the segmentation again",
                      bits,
                      dicom_text(data_, DCM_SegmentationType)));
    }
    check_bytes(bits);
  }

  // Before anything is allocated: what the header promises against what the file holds.
  void check_bytes(std::int64_t bits) const {
    const WideCount pixels = WideCount{header_.rows} * header_.columns * frames_;
    const WideCount bytes = (pixels * bits + 7) / 8;
    if (pixels > kMostPackedPixels || (layout_.encapsulated && bytes > kMostDecodedBytes)) {
      refuse(ErrorCode::kUnsupported,
             "too-large",
             fmt::format("{} frames of {} rows and {} columns are more than is read; split the "
                         "segmentation",
                         frames_,
                         header_.rows,
                         header_.columns));
    }
    if (!layout_.has_pixel_data || layout_.float_pixels) {
      refuse(ErrorCode::kUnreadable, "bad-pixels", "there is no Pixel Data; get the file again");
    }
    if (layout_.encapsulated) {
      check_compressed(bits);
      return;
    }
    const auto expected = static_cast<std::int64_t>(bytes);
    if (layout_.pixel_bytes != expected && layout_.pixel_bytes != expected + expected % 2) {
      refuse(ErrorCode::kUnreadable,
             layout_.pixel_bytes < expected ? "cut-short" : "pixel-size-mismatch",
             fmt::format("{} bytes of pixel data where {} frames of {} rows, {} columns and {} "
                         "bit(s) make {}; get the file again",
                         layout_.pixel_bytes,
                         frames_,
                         header_.rows,
                         header_.columns,
                         bits,
                         expected));
    }
  }

  void check_compressed(std::int64_t bits) const {
    constexpr std::int64_t kRleHeader = 64;  // DCMTK 3.6.7 reads past shorter fragments
    if (bits == 1 || !readable_transfer_syntax(syntax_) || lossy_transfer_syntax(syntax_) ||
        jpeg2000_transfer_syntax(syntax_)) {
      refuse(ErrorCode::kUnsupported,
             "unsupported-syntax",
             fmt::format("{} bit(s) a pixel are stored as {}, which is not read; convert the file "
                         "to an uncompressed syntax",
                         bits,
                         transfer_syntax_name(syntax_)));
    }
    const std::int64_t fragments = layout_.fragments - 1;  // the offset table is the first
    const std::int64_t most = syntax_ == kRleSyntax ? frames_ : 4 * frames_;
    if (fragments < frames_ || fragments > most ||
        (syntax_ == kRleSyntax && layout_.smallest_fragment < kRleHeader)) {
      refuse(ErrorCode::kUnreadable,
             "bad-pixels",
             fmt::format("{} fragments of compressed pixels, the smallest of {} bytes, cannot hold "
                         "{} frames; get the file again",
                         fragments,
                         layout_.smallest_fragment,
                         frames_));
    }
  }

  static CodedConcept coded_concept(DcmItem& item, const DcmTagKey& tag) {
    CodedConcept code;
    if (DcmItem* const found = first_dicom_item(item, tag)) {
      code.value = dicom_text(*found, DCM_CodeValue);
      code.scheme = dicom_text(*found, DCM_CodingSchemeDesignator);
      code.meaning = dicom_text(*found, DCM_CodeMeaning);
    }
    return code;
  }

  void read_segments() {
    for (DcmItem* const item : dicom_items(data_, DCM_SegmentSequence)) {
      const auto segment_number = whole_number(*item, DCM_SegmentNumber, 0, 65535);
      // A label map may describe its background; in the others a segment has a number from 1.
      const bool background = header_.type == SegmentationType::kLabelMap && segment_number &&
                              *segment_number == header_.background;
      if (!segment_number || (*segment_number == 0 && !background)) {
        bad_attribute("a segment has no number from 1 to 65535");
      }
      if (background) {
        continue;
      }
      Segment segment;
      segment.number = *segment_number;
      segment.label = DicomTexts(data_).utf8(dicom_text(*item, DCM_SegmentLabel));
      if (segment.label.empty()) {
        segment.label = fmt::format("segment {}", segment.number);
      }
      segment.algorithm_type = dicom_text(*item, DCM_SegmentAlgorithmType);
      segment.category = coded_concept(*item, DCM_SegmentedPropertyCategoryCodeSequence);
      segment.type = coded_concept(*item, DCM_SegmentedPropertyTypeCodeSequence);
      header_.segments.push_back(std::move(segment));
    }
    std::sort(header_.segments.begin(),
              header_.segments.end(),
              [](const Segment& a, const Segment& b) { return a.number < b.number; });
    const auto twice = std::adjacent_find(
        header_.segments.begin(), header_.segments.end(), [](const Segment& a, const Segment& b) {
          return a.number == b.number;
        });
    if (header_.segments.empty() || twice != header_.segments.end()) {
      bad_attribute(header_.segments.empty()
                        ? "expected at least one segment, found none"
                        : fmt::format("the segment number {} is there twice", twice->number));
    }
  }

  // An attribute of a functional group: the frame's own, else the shared one.
  static DcmItem* group_item(DcmItem* frame, DcmItem* shared, const DcmTagKey& tag) {
    DcmItem* const own = frame == nullptr ? nullptr : first_dicom_item(*frame, tag);
    return own != nullptr || shared == nullptr ? own : first_dicom_item(*shared, tag);
  }

  void read_frames() {
    const std::vector<DcmItem*> items = dicom_items(data_, DCM_PerFrameFunctionalGroupsSequence);
    if (static_cast<std::int64_t>(items.size()) != frames_) {
      refuse(ErrorCode::kUnreadable,
             "frame-count",
             fmt::format("Number of Frames is {}, but {} frames are described; get the file again",
                         frames_,
                         items.size()));
    }
    DcmItem* const shared = first_dicom_item(data_, DCM_SharedFunctionalGroupsSequence);
    for (std::size_t n = 0; n < items.size(); ++n) {
      header_.frames.push_back(read_frame(*items[n], shared, n + 1));
    }
  }

  SegmentationFrame read_frame(DcmItem& item, DcmItem* shared, std::size_t n) {
    SegmentationFrame frame;
    const auto values = [&](const DcmTagKey& group,
                            const DcmTagKey& tag,
                            std::size_t count,
                            std::string_view reason_code) {
      DcmItem* const found = group_item(&item, shared, group);
      const auto numbers = found == nullptr ? std::nullopt : exact_numbers(*found, tag, count);
      if (!numbers) {
        refuse(ErrorCode::kUnsupported,
               std::string(reason_code),
               fmt::format("frame {} has no {} of {} numbers, so its place in the patient is "
                           "unknown; export the segmentation again",
                           n,
                           DcmTag(tag).getTagName(),
                           count));
      }
      return *numbers;
    };
    const auto position =
        values(DCM_PlanePositionSequence, DCM_ImagePositionPatient, 3, "no-position");
    const auto orientation =
        values(DCM_PlaneOrientationSequence, DCM_ImageOrientationPatient, 6, "bad-orientation");
    const auto spacing = values(DCM_PixelMeasuresSequence, DCM_PixelSpacing, 2, "no-spacing");
    const Eigen::Vector3d row(orientation.data());
    const Eigen::Vector3d column(orientation.data() + 3);
    if (std::abs(row.norm() - 1) > kOrientationTolerance ||
        std::abs(column.norm() - 1) > kOrientationTolerance ||
        std::abs(row.dot(column)) > kOrientationTolerance) {
      refuse(ErrorCode::kUnsupported,
             "bad-orientation",
             fmt::format("frame {}: the row and the column direction are not two unit vectors at a "
                         "right angle; export the segmentation again",
                         n));
    }
    if (!(spacing[0] > 0) || !(spacing[1] > 0)) {
      refuse(
          ErrorCode::kUnsupported,
          "no-spacing",
          fmt::format("frame {}: expected a pixel spacing above 0 mm, found {} by {}; export the "
                      "segmentation again",
                      n,
                      spacing[0],
                      spacing[1]));
    }
    frame.origin = Eigen::Vector3d(position.data());
    frame.across = row.normalized() * spacing[1];
    frame.down = column.normalized() * spacing[0];
    if (header_.type != SegmentationType::kLabelMap) {
      frame.segment = segment_of_frame(item, shared, n);
    }
    add_sources(item);
    return frame;
  }

  std::int64_t segment_of_frame(DcmItem& item, DcmItem* shared, std::size_t n) const {
    DcmItem* const found = group_item(&item, shared, DCM_SegmentIdentificationSequence);
    const auto segment = found == nullptr
                             ? std::nullopt
                             : whole_number(*found, DCM_ReferencedSegmentNumber, 1, 65535);
    if (!segment || std::none_of(header_.segments.begin(),
                                 header_.segments.end(),
                                 [&](const Segment& s) { return s.number == *segment; })) {
      bad_attribute(fmt::format("frame {} shows {}, which the file does not describe",
                                n,
                                segment ? fmt::format("segment {}", *segment) : "no segment"));
    }
    return *segment;
  }

  void add_sources(DcmItem& frame) {
    for (DcmItem* const derivation : dicom_items(frame, DCM_DerivationImageSequence)) {
      add_instances(*derivation, DCM_SourceImageSequence, header_.references);
    }
  }

  void read_references() {
    for (DcmItem* const series : dicom_items(data_, DCM_ReferencedSeriesSequence)) {
      add_series(*series, DCM_ReferencedInstanceSequence, header_.references);
    }
    sort_references(header_.references);
  }

  DcmItem& data_;
  const DicomLayout& layout_;
  std::string syntax_;
  const fs::path& file_;
  std::int64_t frames_ = 0;
  SegmentationHeader header_;
};

}  // namespace

SegmentationHeader read_segmentation_header(DcmItem& data,
                                            const DicomLayout& layout,
                                            const std::string& transfer_syntax_uid,
                                            const fs::path& file) {
  return SegmentationHeaderReader(data, layout, transfer_syntax_uid, file).read();
}

}  // namespace marrow
