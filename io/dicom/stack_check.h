#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/geometry.h"
#include "io/dicom/dicom_header.h"

namespace marrow {

// Tolerances of INPUT_RULES, in one place.
inline constexpr double kStepToleranceRelative = 0.01;  // of the median step between slices ...
inline constexpr double kStepToleranceMm = 0.01;        // ... or this, whichever is larger
inline constexpr double kSamePositionMm = 0.01;         // along the normal
inline constexpr double kTiltToleranceDegrees = 0.5;
inline constexpr double kDriftToleranceMm = 0.1;  // of any slice from the regular grid
inline constexpr double kOrientationTolerance = 1e-4;
inline constexpr double kSpacingToleranceRelative = 1e-3;
inline constexpr double kThicknessToleranceRelative = 0.1;  // cross-check only
inline constexpr std::int64_t kMaxStackVoxels = std::int64_t{1} << 31;

// What the headers of the slices of one stack add up to.
struct StackCheck {
  std::vector<std::size_t> order;    // indices of the headers, by position along the normal
  std::vector<double> positions_mm;  // along the normal, in that order
  double median_step_mm = 0;
  std::optional<Geometry> geometry;  // when the slices make one regular grid, sheared or not
  // How far each slice is displaced along i and j against the one before it, where the gantry was
  // tilted; then `geometry` is the smallest grid without shear that holds them all, and the reason
  // says so.
  std::optional<Eigen::Vector2d> shear_mm;
  std::string reason_code;  // empty when they make a grid without shear
  std::string reason;       // one sentence
  std::string tolerance;    // the one that was broken: "0.5 degrees, found 18.5"
  std::vector<std::string> warnings;
};

// Whether the slices are one complete, regular grid. All headers must be usable slices
// (slice_checks.h). Reason codes: mixed-series, single-slice, repeated-positions, mixed-rescale,
// gantry-tilt, missing-slices, variable-spacing, sheared-stack, too-large.
//
// Gantry tilt: a stack whose slices follow each other more than 0.5 degrees off their normal, by
// one and the same displacement, is a grid with shear, to be resampled. A tilt that only the header
// states, while the positions lie along the normal, is refused: nothing says which is right.
[[nodiscard]] StackCheck check_stack(std::span<const DicomHeader> slices);

// Positions along a normal, ascending, whose steps vary -> the end (one past the last) of each part
// with one step of its own; empty unless at most four parts of at least three slices cover them
// all.
[[nodiscard]] std::vector<std::size_t> uniform_parts(const std::vector<double>& positions_mm);

// Whether two slices lie on one grid but for their position: rows, columns, directions, pixel
// spacing, frame of reference.
[[nodiscard]] bool same_plane(const DicomHeader& a, const DicomHeader& b);

// The unit normal of a slice, row x column.
[[nodiscard]] Eigen::Vector3d slice_normal(const DicomHeader& header);

}  // namespace marrow
