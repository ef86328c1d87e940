#include "io/voxel_checks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "io/file_error.h"

namespace marrow {

namespace {

// The mean of the finite face neighbours in the data as read; `fallback` where there is none.
float finite_neighbour_mean(const Volume& volume, std::size_t voxel, float fallback) {
  const Size3& size = volume.geometry.size;
  const auto at = static_cast<std::int64_t>(voxel);
  const std::array<std::int64_t, 3> index{
      at % size[0], at / size[0] % size[1], at / size[0] / size[1]};
  const std::array<std::int64_t, 3> step{1, size[0], size[0] * size[1]};
  double sum = 0;
  int count = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    for (const std::int64_t side : {-1, 1}) {
      const std::int64_t neighbour = index[axis] + side;
      if (neighbour < 0 || neighbour >= size[axis]) {
        continue;
      }
      const float value = volume.voxels[static_cast<std::size_t>(at + side * step[axis])];
      if (std::isfinite(value)) {
        sum += static_cast<double>(value);
        ++count;
      }
    }
  }
  return count > 0 ? static_cast<float>(sum / count) : fallback;
}

void mend_non_finite(Volume& volume,
                     std::int64_t count,
                     const std::string& name,
                     std::vector<std::string>& warnings) {
  if (count == 0) {
    return;
  }
  const std::int64_t voxels = volume.geometry.voxels();
  if (count * 100 > voxels) {
    throw FileError(
        ErrorCode::kUnreadable,
        "non-finite",
        fmt::format("{}: expected finite voxels, found {} of {} to be NaN or infinite; mask "
                    "or repair the image first",
                    name,
                    count,
                    voxels));
  }
  float smallest = std::numeric_limits<float>::max();
  std::vector<std::pair<std::size_t, float>> mended;
  for (const float value : volume.voxels) {
    smallest = std::isfinite(value) ? std::min(smallest, value) : smallest;
  }
  for (std::size_t i = 0; i < volume.voxels.size(); ++i) {
    if (!std::isfinite(volume.voxels[i])) {
      mended.emplace_back(i, finite_neighbour_mean(volume, i, smallest));
    }
  }
  for (const auto& [voxel, value] : mended) {
    volume.voxels[voxel] = value;
  }
  warnings.push_back(
      fmt::format("{}: {} of {} voxels are NaN or infinite and take the mean of their neighbours",
                  name,
                  count,
                  voxels));
}

}  // namespace

void check_image_voxels(Volume& volume,
                        const VoxelCounts& counts,
                        const std::string& name,
                        std::vector<std::string>& warnings) {
  mend_non_finite(volume, counts.non_finite, name, warnings);
  if (counts.inexact > 0) {
    warnings.push_back(fmt::format(
        "{}: {} voxels are 64-bit integers beyond 2^53 and lose digits", name, counts.inexact));
  }
  const VoxelVector<float>& voxels = volume.voxels;
  if (voxels.size() > 1 &&
      std::all_of(voxels.begin() + 1, voxels.end(), [&](float v) { return v == voxels.front(); })) {
    warnings.push_back(
        fmt::format("{}: the image is empty, every voxel is {}", name, voxels.front()));
  }
}

}  // namespace marrow
