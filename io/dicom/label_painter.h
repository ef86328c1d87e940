#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/volume.h"

namespace marrow {

// Where labels of DICOM objects are wanted and what their voxels are to hold.
struct LabelRequest {
  Geometry grid;                       // of the image
  std::string frame_of_reference_uid;  // of the image; "" is not compared
  // Label name -> value of its voxels. Labels that are not named stay background, as those of value
  // 0. Empty: every label gets its own number, 1 to 65535.
  std::map<std::string, std::int64_t> values;
};

// A label map and what a reader of it should know.
struct PaintedLabels {
  LabelMap labels;
  std::vector<std::string> warnings;  // each names its file
};

// Puts labels on a grid and notices voxels that two of them claim. Labels of one value are one
// class and may overlap.
class LabelPainter {
 public:
  explicit LabelPainter(const LabelRequest& request);

  [[nodiscard]] const LabelRequest& request() const { return request_; }

  // Throws FileError{kRefused, "other-frame-of-reference"} when labels in this frame of reference
  // cannot be put on the grid. `labels` begins the sentence: "the segmentation".
  void check_space(const std::filesystem::path& file,
                   const std::string& labels,
                   const std::string& frame_of_reference_uid) const;

  // The value for a label of `file`; nothing when it is not wanted. Throws FileError{kRefused} when
  // it is wanted by its number and that is out of range or another label's.
  [[nodiscard]] std::optional<std::uint16_t> value_of(const std::filesystem::path& file,
                                                      const std::string& name,
                                                      std::int64_t number);

  void paint(std::size_t voxel, std::uint16_t value) {
    std::uint16_t& there = painted_.labels.voxels[voxel];
    if (there != 0 && there != value) {
      ++overlaps_[{std::min(there, value), std::max(there, value)}];
      return;
    }
    there = value;
  }

  void warn(const std::filesystem::path& file, const std::string& sentence);

  // Throws FileError{kRefused, "overlapping-labels"} naming two labels that share voxels, and
  // FileError{kInvalidArgument, "no-such-label"} when none of the wanted ones was met.
  [[nodiscard]] PaintedLabels finish(const std::filesystem::path& file);

 private:
  LabelRequest request_;
  PaintedLabels painted_;
  std::map<std::uint16_t, std::string> names_;  // by value, as met
  std::set<std::string> met_;
  bool any_wanted_ = false;
  std::map<std::pair<std::uint16_t, std::uint16_t>, std::int64_t> overlaps_;  // voxels
};

}  // namespace marrow
