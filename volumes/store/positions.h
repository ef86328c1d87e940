#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/geometry.h"

namespace marrow {

inline constexpr std::int64_t kFewestPositions = 1024;
inline constexpr std::int64_t kMostPositions = 4096;

// Voxels of one class, or of the body mask for value 0.
struct PositionSet {
  std::uint32_t value = 0;
  std::vector<std::array<std::int32_t, 3>> voxels;
};

// Places where `map` equals `wanted`, in scan order. Of n such voxels all are kept up to 1024;
// above, n / 32 of them but at least 1024 and at most 4096: the scan order is cut into that many
// equal strata and one voxel is drawn from each, which spreads them over the structure. What is
// drawn depends on (key, value) alone.
[[nodiscard]] PositionSet sample_positions(std::span<const std::uint8_t> map,
                                           const Size3& size,
                                           std::uint8_t wanted,
                                           std::uint32_t value,
                                           std::string_view key);

}  // namespace marrow
