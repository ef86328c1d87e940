#include "io/dicom/slice_checks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>

#include <Eigen/Core>
#include <fmt/format.h>

#include "core/text.h"
#include "io/dicom/sop_classes.h"

namespace marrow {

namespace {

using Refusal = std::optional<DicomRefusal>;

bool any_type(const DicomHeader& header, std::string_view word) {
  return std::any_of(
      header.image_type.begin(), header.image_type.end(), [&](const std::string& value) {
        return value.find(word) != std::string::npos;
      });
}

Refusal wrong_object(const DicomHeader& header) {
  switch (dicom_kind(header.sop_class_uid)) {
    case DicomKind::kSegmentation:
      return DicomRefusal{"segmentation-object",
                          "a DICOM segmentation object, which is not an image series but "
                          "labels: give its folder with --data"};
    case DicomKind::kDose:
      return DicomRefusal{"rt-dose", "a radiotherapy dose grid, which is not an image series"};
    case DicomKind::kOtherImage:
    case DicomKind::kNotAnImage:
    case DicomKind::kUnknown:
      return DicomRefusal{
          "not-a-volume",
          fmt::format("expected CT, MR or PET slices, found {}",
                      header.sop_class_uid.empty() ? "a file without SOP class"
                                                   : sop_class_name(header.sop_class_uid))};
    case DicomKind::kClassicVolume:
    case DicomKind::kMultiFrame:
    case DicomKind::kSecondaryCapture:
      break;
  }
  if (header.modality != "CT" && header.modality != "MR" && header.modality != "PT") {
    return DicomRefusal{"not-a-volume",
                        fmt::format("expected modality CT, MR or PT, found \"{}\"",
                                    printable(header.modality, 16))};
  }
  if (const auto problem = header.traits.find("frames_problem"); problem != header.traits.end()) {
    return DicomRefusal{header.traits.contains("mosaic_tiles") ? "mosaic" : "multi-frame",
                        printable(problem->second, 300)};
  }
  if (header.frame < 0 && (header.traits.contains("mosaic_tiles") || any_type(header, "MOSAIC") ||
                           any_type(header, "VFRAME"))) {
    return DicomRefusal{"mosaic",
                        "each file is a mosaic, one picture with the slices of a volume as tiles, "
                        "and nothing says where they lie"};
  }
  if (header.frames != 1 ||
      (header.frame < 0 && dicom_kind(header.sop_class_uid) == DicomKind::kMultiFrame)) {
    return DicomRefusal{
        "multi-frame",
        fmt::format("{} frame(s) in a file, and nothing says where they lie", header.frames)};
  }
  return std::nullopt;
}

bool is_grey(const DicomHeader& header) {
  return header.samples_per_pixel == 1 && header.photometric.starts_with("MONOCHROME");
}

bool is_colour(const DicomHeader& header) {
  static const std::set<std::string> kColours{
      "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"};
  return header.samples_per_pixel == 3 && kColours.contains(header.photometric);
}

DicomRefusal no_intensities(const DicomHeader& header, const char* expected) {
  if (header.photometric == "PALETTE COLOR") {
    return {"palette", "the pixels are indices into a colour table, which are not intensities"};
  }
  return {"colour",
          fmt::format("expected {}, found {} samples a pixel ({})",
                      expected,
                      header.samples_per_pixel,
                      header.photometric.empty() ? "no photometric interpretation"
                                                 : printable(header.photometric, 32))};
}

Refusal wrong_colours(const DicomHeader& header) {
  return is_grey(header) ? std::nullopt : Refusal(no_intensities(header, "grey pixels"));
}

Refusal wrong_pixels(const DicomHeader& header) {
  if (header.traits.contains("float_pixels")) {
    return std::nullopt;  // their sizes are checked where they are read
  }
  if (header.bits_allocated != 8 && header.bits_allocated != 16 && header.bits_allocated != 32) {
    return DicomRefusal{
        "bad-bits",
        fmt::format("{} bits allocated a pixel; 8, 16 and 32 are read", header.bits_allocated)};
  }
  if (header.bits_stored < 2 || header.bits_stored > header.bits_allocated ||
      header.high_bit >= header.bits_allocated || header.high_bit + 1 < header.bits_stored ||
      (header.pixel_representation | 1) != 1) {
    return DicomRefusal{"bad-bits",
                        fmt::format("bits that contradict each other: {} allocated, {} stored, "
                                    "high bit {}, representation {}",
                                    header.bits_allocated,
                                    header.bits_stored,
                                    header.high_bit,
                                    header.pixel_representation)};
  }
  if (header.rows < 1 || header.columns < 1 || header.rows > kMaxDicomSide ||
      header.columns > kMaxDicomSide) {
    return DicomRefusal{"bad-size",
                        fmt::format("{} rows and {} columns, where 1 to {} are read",
                                    header.rows,
                                    header.columns,
                                    kMaxDicomSide)};
  }
  const std::int64_t expected =
      header.rows * header.columns * header.samples_per_pixel * (header.bits_allocated / 8);
  if (header.pixel_bytes >= 0 && header.pixel_bytes != expected + expected % 2) {
    return DicomRefusal{
        "pixel-size-mismatch",
        fmt::format("{} bytes of pixel data where {} rows, {} columns and {} bits make {}",
                    header.pixel_bytes,
                    header.rows,
                    header.columns,
                    header.bits_allocated,
                    expected)};
  }
  if (!readable_transfer_syntax(header.transfer_syntax_uid)) {
    return DicomRefusal{
        "unsupported-syntax",
        fmt::format("stored as {}, which is not read; convert it to an uncompressed syntax",
                    transfer_syntax_name(header.transfer_syntax_uid))};
  }
  return std::nullopt;
}

Refusal wrong_rescale(const DicomHeader& header) {
  if (header.modality == "PT" && !header.traits.contains("suv_factor")) {
    const auto problem = header.traits.find("suv_problem");
    return DicomRefusal{
        "suv-not-computable",
        "SUV not computable: " + (problem == header.traits.end() ? std::string("Units")
                                                                 : printable(problem->second, 64))};
  }
  if (!std::isfinite(header.slope) || !std::isfinite(header.intercept) || header.slope == 0) {
    return DicomRefusal{
        "bad-rescale",
        fmt::format(
            "expected a finite rescale with a slope other than 0, found slope {:g}, intercept {:g}",
            header.slope,
            header.intercept)};
  }
  // Beyond single precision voxels become infinite.
  const double suv = header.modality == "PT"
                         ? parse_decimal(named_text(header.traits, "suv_factor")).value_or(1)
                         : 1;
  const int bits = static_cast<int>(std::clamp<std::int64_t>(header.bits_stored, 1, 32));
  const double largest =
      suv * (std::abs(std::ldexp(header.slope, bits)) + std::abs(header.intercept));
  if (!(largest <= static_cast<double>(std::numeric_limits<float>::max()))) {
    return DicomRefusal{
        "bad-rescale",
        fmt::format("slope {:g} and intercept {:g} make values that no voxel can hold",
                    header.slope,
                    header.intercept)};
  }
  return std::nullopt;
}

Refusal wrong_place(const DicomHeader& header) {
  if (!header.position || !header.orientation) {
    return DicomRefusal{"no-position",
                        "no position or orientation in the patient, so a picture and not a volume"};
  }
  if (!header.pixel_spacing) {
    return DicomRefusal{"no-spacing", "no pixel spacing, and none is made up"};
  }
  if ((*header.pixel_spacing)[0] <= 0 || (*header.pixel_spacing)[1] <= 0) {
    return DicomRefusal{"no-spacing",
                        fmt::format("expected a pixel spacing above 0, found {:g} and {:g} mm",
                                    (*header.pixel_spacing)[0],
                                    (*header.pixel_spacing)[1])};
  }
  const auto& o = *header.orientation;
  const Eigen::Vector3d row(o[0], o[1], o[2]);
  const Eigen::Vector3d column(o[3], o[4], o[5]);
  constexpr double kUnitTolerance = 1e-3;  // headers round to three or four decimals
  if (std::abs(row.norm() - 1) > kUnitTolerance || std::abs(column.norm() - 1) > kUnitTolerance ||
      std::abs(row.dot(column)) > kUnitTolerance) {
    return DicomRefusal{
        "bad-orientation",
        "the row and column directions are not unit vectors at right angles (within 1e-3)"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<DicomRefusal> unusable_slice(const DicomHeader& header) {
  if (const auto bad = header.traits.find("bad_attribute"); bad != header.traits.end()) {
    return DicomRefusal{
        "bad-attribute",
        fmt::format("the value of {} cannot be understood", printable(bad->second, 64))};
  }
  if (header.series_uid.empty()) {
    return DicomRefusal{"no-series-uid",
                        "no Series Instance UID, so nothing says which files belong together"};
  }
  for (const auto check : {wrong_object, wrong_colours, wrong_pixels, wrong_rescale, wrong_place}) {
    if (Refusal refusal = check(header)) {
      return refusal;
    }
  }
  return std::nullopt;
}

std::optional<DicomRefusal> unusable_picture(const DicomHeader& header) {
  if (header.frames != 1) {
    return DicomRefusal{"several-frames",
                        fmt::format("expected one picture, found {} frames", header.frames)};
  }
  if (!is_grey(header) && !is_colour(header)) {
    return no_intensities(header, "grey pixels, RGB or YBR");
  }
  const bool odd_colour =
      is_colour(header) && header.bits_allocated != 8 && header.bits_allocated != 16;
  if (odd_colour || header.traits.contains("float_pixels")) {
    return DicomRefusal{
        "bad-bits",
        fmt::format("{} bits a sample; 8 and 16 are read of colours, and no floating point",
                    header.bits_allocated)};
  }
  const Refusal refusal = wrong_pixels(header);
  return refusal ? refusal : wrong_rescale(header);
}

std::optional<DicomRefusal> excluded_slice(const DicomHeader& header) {
  if (any_type(header, "LOCALIZER") || any_type(header, "SCOUT") || any_type(header, "TOPOGRAM")) {
    return DicomRefusal{"localizer", "a localizer, made to plan the scan"};
  }
  if (any_type(header, "SCREEN SAVE")) {
    return DicomRefusal{"screen-save", "a saved screen, not a scan"};
  }
  if (any_type(header, "DOSE")) {
    return DicomRefusal{"dose-report", "a dose report stored as a picture"};
  }
  if (any_type(header, "PROJECTION IMAGE") || any_type(header, "MIP") ||
      any_type(header, "MIN IP") || any_type(header, "MAX IP") || any_type(header, "MINIP")) {
    return DicomRefusal{"projection",
                        "a projection through a volume (such as a MIP), not slices of it"};
  }
  if (dicom_kind(header.sop_class_uid) == DicomKind::kSecondaryCapture) {
    return DicomRefusal{"secondary-capture",
                        "a secondary capture, made by other software from other images"};
  }
  if (!header.image_type.empty() && trim(header.image_type.front()) == "DERIVED") {
    return DicomRefusal{"derived", "derived from other images, which are better seen themselves"};
  }
  return std::nullopt;
}

}  // namespace marrow
