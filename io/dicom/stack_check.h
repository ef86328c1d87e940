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
  std::optional<Geometry> geometry;  // when the slices make one regular grid
  std::string reason_code;           // empty when they do
  std::string reason;                // one sentence
  std::string tolerance;             // the one that was broken: "0.5 degrees, found 18.5"
  std::vector<std::string> warnings;
};

// Whether the slices are one complete, regular grid. All headers must be usable slices
// (slice_checks.h). Reason codes: mixed-series, single-slice, repeated-positions, gantry-tilt,
// missing-slices, variable-spacing, sheared-stack, too-large.
[[nodiscard]] StackCheck check_stack(std::span<const DicomHeader> slices);

// Whether two slices lie on one grid but for their position: rows, columns, directions, pixel
// spacing, frame of reference.
[[nodiscard]] bool same_plane(const DicomHeader& a, const DicomHeader& b);

// The unit normal of a slice, row x column.
[[nodiscard]] Eigen::Vector3d slice_normal(const DicomHeader& header);

}  // namespace marrow
