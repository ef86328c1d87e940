#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/geometry.h"
#include "core/records.h"
#include "io/dicom/dicom_header.h"

namespace marrow {

// Reason code of the volumes in a multi-frame object of which some frame has no place.
inline constexpr const char* kIncompleteObject = "incomplete-object";

// Slices that make, or should have made, one volume.
struct DicomStack {
  std::vector<DicomHeader>
      slices;  // by position along the normal where that is known, else by file
  std::vector<std::filesystem::path> duplicates;  // copies of slices that were left out
  std::int64_t number = 1;                        // of the stacks of its series, from 1
  std::int64_t count = 1;                         // how many stacks the series has
  std::string
      told_apart_by;  // what differs from the other stacks: "b-value 400"; empty for an only stack
  std::optional<Geometry> geometry;  // when the slices make one regular grid, whatever the verdict
  std::vector<double> positions_mm;  // along the normal
  // Which of the volumes in the files of `slices` this is, from 0, where they hold several.
  std::optional<std::int64_t> volume = std::nullopt;
  Verdict verdict = Verdict::kUse;
  std::string reason_code;  // of slice_checks.h, stack_check.h, "conflicting-copies", "split" or
                            // kIncompleteObject
  std::string reason;       // one sentence
  std::string tolerance;    // the tolerance that was broken
  std::vector<std::string> warnings;
};

// Whether the bytes of the pixels of two files, and what is said of them, are the same. Opens both
// files, parses none.
[[nodiscard]] bool same_pixel_bytes(const DicomHeader& a, const DicomHeader& b);

struct GroupingOptions {
  // Keep derived series and secondary captures that are regular grey volumes (ADC maps, registered
  // or cropped series).
  bool use_derived = false;
  // Asked only for files of one instance UID or, when nothing else tells them apart, of one
  // position.
  std::function<bool(const DicomHeader&, const DicomHeader&)> same_pixels = same_pixel_bytes;
};

// Headers -> stacks, sorted by series UID and number. The same set of headers gives the same answer
// in any order.
//
// A series is cut into stacks by patient, study, object class, image type, size, direction (1e-4),
// pixel spacing, frame of reference, kernel, bits, echo, b-value and temporal position, and mosaics
// and multi-frame objects of one file from another; where positions still repeat, by the first of
// acquisition number, echo time, trigger time, sequence name, inversion time, what the functional
// groups say of a frame, or volume-by-volume instance numbers that gives complete volumes; slices
// of equal position and pixels are one; last, where the step between slices changes along the
// stack, into parts of one step each. A stack whose slices are displaced along their plane (gantry
// tilt) is to be resampled. Whatever is left refused says why.
[[nodiscard]] std::vector<DicomStack> group_dicom(std::vector<DicomHeader> headers,
                                                  const GroupingOptions& options = {});

}  // namespace marrow
