#pragma once

#include <cstdint>
#include <vector>

#include "core/volume.h"

namespace marrow {

// Voxel counts of one structure in a reference and a prediction.
struct OverlapCounts {
  std::int64_t reference = 0;
  std::int64_t predicted = 0;
  std::int64_t both = 0;
  std::int64_t voxels = 0;  // of the whole image

  // 2 * both / (reference + predicted) and both / (reference + predicted - both); 1 when both masks
  // are empty.
  [[nodiscard]] double dice() const;
  [[nodiscard]] double iou() const;
};

// Half-open box of voxels; low = high when empty.
struct VoxelBox {
  Size3 low{0, 0, 0};
  Size3 high{0, 0, 0};
};

struct StructureOverlap {
  OverlapCounts counts;
  VoxelBox box;  // around the union of both masks
};

// One entry for each of `values`, all in one pass. Throws Error{kRefused} when the grids differ.
[[nodiscard]] std::vector<StructureOverlap> structure_overlaps(
    const LabelMap& reference,
    const LabelMap& prediction,
    const std::vector<std::uint16_t>& values);

}  // namespace marrow
