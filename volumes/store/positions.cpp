#include "volumes/store/positions.h"

#include <algorithm>

#include "core/digest.h"
#include "core/error.h"
#include "core/rng.h"

namespace marrow {

PositionSet sample_positions(std::span<const std::uint8_t> map,
                             const Size3& size,
                             std::uint8_t wanted,
                             std::uint32_t value,
                             std::string_view key) {
  MARROW_CHECK(static_cast<std::int64_t>(map.size()) == size[0] * size[1] * size[2]);
  const std::int64_t found = std::count(map.begin(), map.end(), wanted);
  const std::int64_t kept =
      std::min(found, std::clamp(found / 32, kFewestPositions, kMostPositions));
  Rng rng(xxh3(std::as_bytes(std::span(key.data(), key.size()))), "positions", {value});
  PositionSet set;
  set.value = value;
  set.voxels.reserve(static_cast<std::size_t>(kept));
  // The stratum s of n voxels begins at s * n / kept; products stay below 2^40 * 2^12.
  std::int64_t stratum = 0;
  std::int64_t next = -1;
  std::int64_t seen = 0;
  for (std::int64_t at = 0; at < static_cast<std::int64_t>(map.size()) && stratum < kept; ++at) {
    if (map[static_cast<std::size_t>(at)] != wanted) {
      continue;
    }
    if (next < 0) {
      const std::int64_t begin = stratum * found / kept;
      next = begin + rng.below((stratum + 1) * found / kept - begin);
    }
    if (seen++ == next) {
      set.voxels.push_back({static_cast<std::int32_t>(at % size[0]),
                            static_cast<std::int32_t>(at / size[0] % size[1]),
                            static_cast<std::int32_t>(at / (size[0] * size[1]))});
      ++stratum;
      next = -1;
    }
  }
  return set;
}

}  // namespace marrow
