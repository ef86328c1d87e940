#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "io/dicom/dicom_header.h"

namespace marrow {

struct PositionSplit {
  std::vector<std::vector<DicomHeader>> volumes;  // one when nothing could be told apart
  std::vector<std::string> names;                 // what each volume is: "acquisition 2"
  std::vector<std::filesystem::path>
      duplicates;  // slices left out because position and pixels repeat
};

// Slices of one plane of which several share a position -> complete volumes of one slice a position
// each.
//
// A header field is believed only if every value it takes gives a volume with exactly one slice at
// every position; the same holds for instance numbers, which must run volume by volume or position
// by position. When no field does, slices whose pixels repeat are dropped; what is left comes back
// as one volume, whose positions may still repeat.
[[nodiscard]] PositionSplit split_by_position(
    std::vector<DicomHeader> slices,
    const std::function<bool(const DicomHeader&, const DicomHeader&)>& same_pixels);

}  // namespace marrow
