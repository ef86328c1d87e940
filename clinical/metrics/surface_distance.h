#pragma once

#include <cstdint>
#include <vector>

#include "clinical/metrics/overlap.h"
#include "core/volume.h"

namespace marrow {

// How the two directed sets of surface distances become one number.
enum class SurfaceRule {
  kPooled,    // HD95: percentile of both sets pooled; ASSD: mean of the two directed means
  kDirected,  // HD95: larger of the two directed percentiles; ASSD: mean of the pooled set (as
              // MONAI)
};

// Distances in mm from every surface voxel of one mask to the nearest surface voxel of the other.
struct SurfaceDistances {
  std::vector<double> from_reference;
  std::vector<double> from_prediction;
};

// A surface voxel has a face neighbour outside the mask; outside the image counts as outside the
// mask, except along an axis of a single voxel (a 2D image). `box` holds both masks, which must not
// be empty: structure_overlaps() gives it. Throws Error{kInvalidArgument} when one mask is empty.
[[nodiscard]] SurfaceDistances surface_distances(const LabelMap& reference,
                                                 const LabelMap& prediction,
                                                 std::uint16_t value,
                                                 const VoxelBox& box);

// All need both sets non-empty. The percentile interpolates linearly between order statistics
// (numpy's default).
[[nodiscard]] double hausdorff_mm(const SurfaceDistances& distances);
[[nodiscard]] double hd95_mm(SurfaceDistances distances, SurfaceRule rule);
[[nodiscard]] double assd_mm(const SurfaceDistances& distances, SurfaceRule rule);

// The q-th percentile, 0 <= q <= 100, of at least one value.
[[nodiscard]] double percentile(std::vector<double> values, double q);

// The image's diagonal between the outer corners of its corner voxels: no two points of it are
// further apart.
[[nodiscard]] double diagonal_mm(const Geometry& geometry);

}  // namespace marrow
