#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/volume.h"

namespace marrow {

// One frame of a multi-frame object, or one tile of a mosaic, where it differs from its file.
struct DicomFrame {
  std::optional<std::array<double, 3>> position;       // ImagePositionPatient, LPS mm
  std::optional<std::array<double, 6>> orientation;    // ImageOrientationPatient
  std::optional<std::array<double, 2>> pixel_spacing;  // row (y), column (x) mm
  double slope = 1, intercept = 0;
  // What tells the volumes of the file apart, by the names that grouping prints: "b-value", "echo",
  // "temporal position", "image type", "stack", ...
  std::map<std::string, std::string> labels;

  friend bool operator==(const DicomFrame&, const DicomFrame&) = default;
};

// What grouping needs to know of one DICOM file. Identifiers stay in memory only until they are
// digested.
struct DicomHeader {
  std::filesystem::path file;
  // Which frame or tile of the file this is, from 0; -1 for a file as read, whatever it holds.
  std::int64_t frame = -1;
  std::string patient_id, patient_name;  // only to make the patient key
  std::string study_uid, series_uid, instance_uid, frame_of_reference_uid;
  std::string sop_class_uid, transfer_syntax_uid;
  std::string modality;                 // as written: "CT", "MR", "PT", ...
  std::vector<std::string> image_type;  // ORIGINAL, PRIMARY, AXIAL, ...
  std::int64_t rows = 0, columns = 0, frames = 1, samples_per_pixel = 1;
  int bits_allocated = 0, bits_stored = 0, high_bit = 0, pixel_representation = 0;
  std::string photometric;
  std::optional<std::array<double, 3>> position;       // ImagePositionPatient, LPS mm
  std::optional<std::array<double, 6>> orientation;    // ImageOrientationPatient
  std::optional<std::array<double, 2>> pixel_spacing;  // row (y), column (x) mm
  double slope = 1, intercept = 0;
  std::int64_t pixel_bytes = -1;  // bytes of Pixel Data in the file; -1 when absent or encapsulated
  std::int64_t pixel_offset = -1;  // where they begin in the file; -1 when absent
  bool has_pixel_data = false;
  double gantry_tilt_degrees = 0;
  std::string instance_number, acquisition_number, echo, b_value, temporal_position, image_comments;
  std::map<std::string, std::string>
      facts;  // safe acquisition facts: kernel, thickness_mm, tr_ms, te_ms, kvp, ...
  // What else decides whether and how the file can be used, present only where it applies:
  // "series_number", "modality_lut", "no_rescale" (neither slope nor intercept is there),
  // "float_pixels", "trigger_time_ms" (number),
  // "padding_value" and "padding_limit" (numbers as written), "bad_attribute"
  // (keyword of an attribute that is there but cannot be understood), those of mosaic.h, of
  // functional_groups.h ("frames_problem", "concatenation") and of pet_suv.h.
  std::map<std::string, std::string> traits;
  // Of a multi-frame object or a mosaic, in the order of its pixels; empty for one slice a file.
  std::vector<DicomFrame> frame_table;
};

// Both run inside the parsing child (io/worker); the rest of the program asks for them through it.

// Header only. Throws Error{kUnreadable} for damaged files, Error{kUnsupported} for a file that is
// not a DICOM image, with a reason code as the first word of the sentence followed by ": ".
[[nodiscard]] DicomHeader read_dicom_header(const std::filesystem::path& file);
// The same for every file by DCMTK, which the one above leaves out for ordinary files
// (io/dicom/fast_header.h).
[[nodiscard]] DicomHeader read_dicom_header_with_dcmtk(const std::filesystem::path& file);

// Of each file, by read_dicom_header.
[[nodiscard]] std::vector<DicomHeader> read_dicom_headers(
    std::span<const std::filesystem::path> files);

// One stack (as grouping made it) -> volume, sorted by position along the normal, rescale applied
// per slice. Checks again everything that grouping checked, so that it can be called on any list of
// files: refuses with a reason whatever is not one complete, regular, grey stack in a syntax that
// is read. Whether the series is an original or a derived one is not asked: that is grouping's
// choice. `volume`: which of the volumes in the files of mosaics or multi-frame objects
// (DicomStack::volume); absent, they must hold one.
//
// CT comes in HU, PET as body-weight SUV (g/ml), MR in its own values, turned upright where it is
// MONOCHROME1. A stack sheared by a tilted gantry is resampled to the grid of StackCheck, linear
// within its slices.
//
// Voxels that hold the Pixel Padding Value, and those that the shear leaves without a value, are
// outside the picture. They become -1024 in CT; elsewhere 0, or the smallest real value where some
// real value is negative.
[[nodiscard]] Volume read_dicom_stack(std::span<const std::filesystem::path> files,
                                      std::optional<std::int64_t> volume = std::nullopt);
// The grid of that stack, from headers alone: i along a row of the picture, j down a column, k
// along their cross product, so that the grid is right-handed; the step along k comes from the
// positions alone. Throws Error{kUnsupported} with a reason code as above.
[[nodiscard]] Geometry dicom_stack_geometry(std::span<const DicomHeader> headers,
                                            std::optional<std::int64_t> volume = std::nullopt);

// Whether the first bytes of a file (132 or more) are those of a DICOM file, with or without a
// preamble.
[[nodiscard]] bool is_dicom(std::span<const std::byte> head);

}  // namespace marrow
