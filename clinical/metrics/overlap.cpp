#include "clinical/metrics/overlap.h"

#include <algorithm>

namespace marrow {

namespace {

void grow(VoxelBox& box, bool first, std::int64_t i, std::int64_t j, std::int64_t k) {
  const Size3 at{i, j, k};
  for (std::size_t a = 0; a < 3; ++a) {
    box.low[a] = first ? at[a] : std::min(box.low[a], at[a]);
    box.high[a] = first ? at[a] + 1 : std::max(box.high[a], at[a] + 1);
  }
}

}  // namespace

double OverlapCounts::dice() const {
  return reference + predicted == 0
             ? 1.0
             : 2.0 * static_cast<double>(both) / static_cast<double>(reference + predicted);
}

double OverlapCounts::iou() const {
  const std::int64_t either = reference + predicted - both;
  return either == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(either);
}

std::vector<StructureOverlap> structure_overlaps(const LabelMap& reference,
                                                 const LabelMap& prediction,
                                                 const std::vector<std::uint16_t>& values) {
  const std::string difference = geometry_difference(reference.geometry, prediction.geometry);
  if (!difference.empty()) {
    throw Error(
        ErrorCode::kRefused,
        "evaluation: reference and prediction must lie on the same grid, but they differ in " +
            difference + "; resample the prediction onto the grid of the reference");
  }
  constexpr std::int32_t kNotAsked = -1;
  std::vector<std::int32_t> place(std::size_t{1} << 16, kNotAsked);
  for (std::size_t s = 0; s < values.size(); ++s) {
    place[values[s]] = static_cast<std::int32_t>(s);
  }
  std::vector<StructureOverlap> overlaps(values.size());
  for (StructureOverlap& overlap : overlaps) {
    overlap.counts.voxels = reference.geometry.voxels();
  }
  const auto seen =
      [&](std::int32_t s, std::int64_t i, std::int64_t j, std::int64_t k) -> OverlapCounts& {
    StructureOverlap& overlap = overlaps[static_cast<std::size_t>(s)];
    grow(overlap.box, overlap.counts.reference + overlap.counts.predicted == 0, i, j, k);
    return overlap.counts;
  };
  const Size3& size = reference.geometry.size;
  std::size_t at = 0;
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i, ++at) {
        const std::int32_t r = place[reference.voxels[at]];
        const std::int32_t p = place[prediction.voxels[at]];
        if (r == kNotAsked && p == kNotAsked) {
          continue;
        }
        if (r != kNotAsked) {
          OverlapCounts& counts = seen(r, i, j, k);
          counts.reference += 1;
          counts.both += r == p ? 1 : 0;
        }
        if (p != kNotAsked) {
          seen(p, i, j, k).predicted += 1;
        }
      }
    }
  }
  return overlaps;
}

}  // namespace marrow
