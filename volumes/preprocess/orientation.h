#pragma once

#include <array>
#include <cstdint>

#include "core/geometry.h"
#include "core/volume.h"

namespace marrow {

// Which axis of the input becomes axis a of the output, and whether it is walked backwards. A pure
// relabelling of voxels: nothing is interpolated.
struct AxisMoves {
  std::array<std::size_t, 3> from{0, 1, 2};
  std::array<bool, 3> flipped{false, false, false};

  [[nodiscard]] bool nothing() const {
    return from == std::array<std::size_t, 3>{0, 1, 2} && flipped == std::array<bool, 3>{};
  }
};

// The moves after which axes i, j, k run along +L, +P, +S as near as the grid allows: of the six
// assignments of axes the one with the largest sum of |cosines| (the first in lexicographic order
// when several are equal), then flips until every axis points the positive way. Oblique grids stay
// oblique.
[[nodiscard]] AxisMoves canonical_moves(const Geometry& geometry);

// The same voxels in the same places, in the new order.
[[nodiscard]] Geometry reoriented(const Geometry& geometry, const AxisMoves& moves);
[[nodiscard]] Volume reoriented(Volume volume, const AxisMoves& moves);

}  // namespace marrow
