#include "volumes/reduction/kept_slices.h"

#include <algorithm>
#include <cmath>

#include "volumes/preprocess/orientation.h"

namespace marrow {

std::optional<std::vector<std::int64_t>> kept_prepared_slices(const StoredCase& stored,
                                                              const ReducedCase& reduced) {
  const auto axis = static_cast<std::size_t>(reduced.axis);
  if (axis > 2 || stored.source.size[axis] != reduced.slices ||
      canonical_moves(stored.source).from[2] != axis) {
    return std::nullopt;
  }
  std::vector<bool> dropped(static_cast<std::size_t>(reduced.slices), false);
  for (const DroppedSlice& slice : reduced.dropped) {
    if (slice.slice >= 0 && slice.slice < reduced.slices) {
      dropped[static_cast<std::size_t>(slice.slice)] = true;
    }
  }
  std::vector<std::int64_t> kept;
  const Size3& size = stored.geometry.size;
  for (std::int64_t k = 0; k < size[2]; ++k) {
    const Eigen::Vector3d centre =
        stored.geometry.to_physical({0.5 * static_cast<double>(size[0] - 1),
                                     0.5 * static_cast<double>(size[1] - 1),
                                     static_cast<double>(k)});
    const double at = stored.source.to_index(centre)[static_cast<Eigen::Index>(axis)];
    const std::int64_t nearest = std::clamp<std::int64_t>(std::llround(at), 0, reduced.slices - 1);
    if (!dropped[static_cast<std::size_t>(nearest)]) {
      kept.push_back(k);
    }
  }
  return kept;
}

}  // namespace marrow
