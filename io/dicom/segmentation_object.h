#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <Eigen/Core>

#include "io/dicom/label_painter.h"
#include "io/dicom/label_references.h"

namespace marrow {

// A coded concept of a segment: "T-62000", "SRT", "Liver".
struct CodedConcept {
  std::string value, scheme, meaning;
};

struct Segment {
  std::int64_t number = 0;     // 1..65535
  std::string label;           // "segment 3" where the file gives none
  std::string algorithm_type;  // AUTOMATIC, SEMIAUTOMATIC, MANUAL
  CodedConcept category, type;
};

// Where one frame lies. Pixel (column x, row y) has its centre at origin + x across + y down.
struct SegmentationFrame {
  Eigen::Vector3d origin{0, 0, 0};  // LPS mm
  Eigen::Vector3d across{1, 0, 0};  // from a column to the next, mm
  Eigen::Vector3d down{0, 1, 0};    // from a row to the next, mm
  std::int64_t segment = 0;  // the one the frame shows; 0 in a label map, whose pixels are numbers
};

enum class SegmentationType { kBinary, kFractional, kLabelMap };

struct SegmentationHeader {
  std::string study_uid, series_uid, instance_uid, frame_of_reference_uid;
  SegmentationType type = SegmentationType::kBinary;
  std::int64_t rows = 0, columns = 0;
  std::int64_t maximum_fraction = 1;      // of a fractional one: the stored value that means 1
  std::int64_t background = 0;            // of a label map: the pixel value of no segment
  std::vector<Segment> segments;          // by number
  std::vector<SegmentationFrame> frames;  // in the order of the pixels
  LabelReferences references;
};

// A DICOM Segmentation (binary or fractional) or Label Map Segmentation (Supplement 243), read as a
// plain data set. Everything that its header claims is checked against the bytes of the file when
// it is opened; pixels are decoded frame by frame.
//
// Runs inside the parsing child (io/worker). Throws FileError (or Error with the reason code as the
// first word): kUnreadable for damaged, cut or contradicting files (cut-short, bad-pixels,
// bad-attribute, frame-count, pixel-size-mismatch), kUnsupported for what is not read
// (not-a-segmentation, unsupported-syntax, bad-bits, no-position, too-large).
class SegmentationObject {
 public:
  explicit SegmentationObject(const std::filesystem::path& file);
  ~SegmentationObject();
  SegmentationObject(SegmentationObject&&) noexcept;
  SegmentationObject& operator=(SegmentationObject&&) noexcept;

  [[nodiscard]] const std::filesystem::path& file() const;
  [[nodiscard]] const SegmentationHeader& header() const;

  // Row by row, rows x columns: 1 inside and 0 outside the frame's segment, or the segment numbers
  // of a label map (0: none). A fraction of at least half the Maximum Fractional Value is inside.
  // Throws FileError{kUnreadable} for a number that names no segment.
  [[nodiscard]] std::vector<std::uint16_t> frame_values(std::int64_t frame) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Paints the segments that `painter` wants. Every frame must lie on a slice of the grid: rows,
// columns and pixel spacing (1e-3 relative) and directions (1e-4) are the slice's, and the pixel
// that falls on the slice's first voxel has its centre within 1e-2 mm of that voxel's. Frames that
// run through the same pixels in another order (flipped or transposed) are turned by their
// geometry; slices without a frame are background. Throws FileError{kRefused}: "other-grid" with
// both geometries, "other-frame-of-reference", "repeated-frames" for two frames of a segment on one
// slice.
void paint_segmentation(const SegmentationObject& object, LabelPainter& painter);

// The same for one object. Segments that share voxels are refused unless one of them is asked for.
[[nodiscard]] PaintedLabels segmentation_labels(const SegmentationObject& object,
                                                const LabelRequest& request);

}  // namespace marrow
