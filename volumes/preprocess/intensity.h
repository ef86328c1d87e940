#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/volume.h"

namespace marrow {

// The value that `percent` of the values lie below, interpolated between neighbours as numpy does
// (position percent / 100 * (n - 1)). Reorders `values`, which hold at least one value, all finite.
[[nodiscard]] double percentile(std::span<float> values, double percent);

// NaN and infinite voxels.
[[nodiscard]] std::int64_t count_not_finite(const Volume& volume);

// Up to this share of a volume may be not finite; such voxels then take the smallest finite value
// of the volume.
inline constexpr double kMostNotFinite = 0.01;
// Replaces them and returns their number. Throws Error{kRefused} when more than the allowed share
// is not finite.
std::int64_t replace_not_finite(Volume& volume);

// CT: clips to [low, high] HU and maps that window onto [-1, 1].
void scale_window(Volume& volume, double low_hu, double high_hu);

// MR: clips everything to the range between two percentiles of the body's voxels (`body`: 1
// inside), then subtracts the body's mean and divides by its standard deviation, both taken after
// clipping. A body without contrast becomes 0 everywhere. Mean and variance are those of the
// population (divided by n).
void z_score_body(Volume& volume,
                  std::span<const std::uint8_t> body,
                  double lower_percentile,
                  double upper_percentile);

}  // namespace marrow
