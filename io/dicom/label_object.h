#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/dicom/label_painter.h"

namespace marrow {

enum class LabelObjectKind { kSegmentation, kStructureSet };

// A segment of a segmentation, or a region of interest of a structure set that has contours.
struct LabelRegion {
  std::int64_t number = 0;  // in its file; no name for the same thing in another one
  std::string name;         // as written; print it with printable()

  friend bool operator==(const LabelRegion&, const LabelRegion&) = default;
};

// What a file of labels says of itself and of the image that it belongs to. Identifiers stay in
// memory only until they are matched or digested.
struct LabelObject {
  LabelObjectKind kind = LabelObjectKind::kSegmentation;
  std::string study_uid, series_uid, instance_uid;
  std::vector<std::string> frame_of_reference_uids;  // sorted, each once
  std::vector<std::string> referenced_series;        // sorted, each once
  std::vector<std::string> referenced_instances;     // sorted, each once
  std::vector<LabelRegion> regions;                  // by number

  friend bool operator==(const LabelObject&, const LabelObject&) = default;
};

// Which grid labels are wanted on, and which of them.
struct LabelTarget {
  std::vector<std::filesystem::path> grid_files;  // the DICOM files of the image, in any order
  std::optional<std::int64_t> grid_volume;        // which volume in them, where there are several
  std::map<std::string, std::int64_t> values;     // LabelRequest::values
};

// Both run inside the parsing child (io/worker); the rest of the program asks for them through it.

// A DICOM Segmentation, Label Map Segmentation or RT Structure Set. Throws what SegmentationObject
// and read_structure_set throw, and FileError{kUnsupported, "not-labels"} for any other file.
[[nodiscard]] LabelObject read_label_object(const std::filesystem::path& file);

// The labels of one or several such files together on the grid of their image; 0 where there is
// none. Never resampled. Throws what paint_segmentation, paint_structures and LabelPainter::finish
// throw, and what dicom_stack_geometry does about the image.
[[nodiscard]] PaintedLabels read_object_labels(std::span<const std::filesystem::path> files,
                                               const LabelTarget& target);

}  // namespace marrow
