#include "volumes/preprocess/resample.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include <Eigen/LU>
#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

namespace {

constexpr double kSameSpacing = 1e-3;
constexpr double kIgnoredRemainder = 0.01;  // of a voxel
constexpr double kAllowedDrift = 0.25;      // of a voxel, over the whole extent
constexpr std::int64_t kMostVoxels = std::int64_t{1} << 31;
constexpr std::int64_t kTile = 2048;  // floats summed at a time: stays in the first-level cache

// For each output index, the run of input indices that it draws from and their weights.
struct ResampleTaps {
  std::vector<std::int64_t> first;
  std::vector<std::size_t> start;  // of the weights; one more than outputs
  std::vector<float> weights;
};

double keys_cubic(double x) {
  x = std::abs(x);
  if (x < 1) {
    return (1.5 * x - 2.5) * x * x + 1;
  }
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

ResampleTaps make_taps(const AxisMap& map, std::int64_t inputs, std::int64_t outputs) {
  const double width = std::max(1.0, std::abs(map.step));
  ResampleTaps taps;
  taps.start.push_back(0);
  std::vector<double> weights;
  for (std::int64_t output = 0; output < outputs; ++output) {
    double centre = map.offset + map.step * static_cast<double>(output);
    if (std::abs(centre - std::round(centre)) < 1e-6) {
      centre = std::round(centre);  // rounding in the geometry must not cost the exact copy
    }
    const auto low = static_cast<std::int64_t>(std::floor(centre - 2 * width)) + 1;
    const auto high = static_cast<std::int64_t>(std::ceil(centre + 2 * width)) - 1;
    const std::int64_t first = std::clamp<std::int64_t>(low, 0, inputs - 1);
    const std::int64_t last = std::clamp<std::int64_t>(high, 0, inputs - 1);
    weights.assign(static_cast<std::size_t>(last - first + 1), 0.0);
    double sum = 0;
    for (std::int64_t input = low; input <= high; ++input) {
      const double weight = keys_cubic((static_cast<double>(input) - centre) / width);
      weights[static_cast<std::size_t>(std::clamp(input, first, last) - first)] += weight;
      sum += weight;
    }
    // Leading and trailing zeros are frequent (an output on an input voxel draws from that voxel
    // alone).
    std::size_t begin = 0;
    std::size_t end = weights.size();
    while (end - begin > 1 && weights[begin] == 0) {
      ++begin;
    }
    while (end - begin > 1 && weights[end - 1] == 0) {
      --end;
    }
    taps.first.push_back(first + static_cast<std::int64_t>(begin));
    for (std::size_t tap = begin; tap < end; ++tap) {
      taps.weights.push_back(static_cast<float>(weights[tap] / sum));
    }
    taps.start.push_back(taps.weights.size());
  }
  return taps;
}

// The axis is the fastest one: every output is a short dot product.
void resample_rows(
    const float* in, std::int64_t inputs, const ResampleTaps& taps, float* out, std::int64_t rows) {
  const std::size_t outputs = taps.first.size();
  for (std::int64_t row = 0; row < rows; ++row, in += inputs) {
    for (std::size_t output = 0; output < outputs; ++output) {
      const float* source = in + taps.first[output];
      float sum = 0;
      for (std::size_t tap = taps.start[output]; tap < taps.start[output + 1]; ++tap) {
        sum += taps.weights[tap] * *source++;
      }
      *out++ = sum;
    }
  }
}

// A slower axis: whole rows of `inner` values are summed with one weight each.
void resample_planes(const float* in,
                     std::int64_t inputs,
                     const ResampleTaps& taps,
                     float* out,
                     std::int64_t inner,
                     std::int64_t outer) {
  const auto outputs = static_cast<std::int64_t>(taps.first.size());
  for (std::int64_t plane = 0; plane < outer; ++plane) {
    for (std::int64_t tile = 0; tile < inner; tile += kTile) {
      const std::int64_t count = std::min(kTile, inner - tile);
      for (std::int64_t output = 0; output < outputs; ++output) {
        const auto place = static_cast<std::size_t>(output);
        const float* source = in + (plane * inputs + taps.first[place]) * inner + tile;
        float* const sums = out + (plane * outputs + output) * inner + tile;
        std::fill_n(sums, count, 0.0F);
        for (std::size_t tap = taps.start[place]; tap < taps.start[place + 1];
             ++tap, source += inner) {
          const float weight = taps.weights[tap];
          for (std::int64_t at = 0; at < count; ++at) {
            sums[at] += weight * source[at];
          }
        }
      }
    }
  }
}

}  // namespace

std::array<AxisMap, 3> aligned_axes(const Geometry& grid, const Geometry& target) {
  // index in `grid` = matrix * index in `target` + offset; the true inverse, since a direction may
  // be off by 1e-4.
  const Eigen::Matrix3d inverse = (grid.direction * grid.spacing.asDiagonal()).inverse();
  const Eigen::Matrix3d matrix = inverse * target.direction * target.spacing.asDiagonal();
  const Eigen::Vector3d offset = inverse * (target.origin - grid.origin);
  std::array<AxisMap, 3> maps;
  std::array<bool, 3> used{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto column = static_cast<Eigen::Index>(axis);
    Eigen::Index row = 0;
    matrix.col(column).cwiseAbs().maxCoeff(&row);
    maps[axis] = {static_cast<std::size_t>(row), offset[row], matrix(row, column)};
    bool parallel = !std::exchange(used[static_cast<std::size_t>(row)], true);
    for (Eigen::Index other = 0; other < 3; ++other) {
      const double drift =
          std::abs(matrix(other, column)) * static_cast<double>(target.size[axis] - 1);
      parallel = parallel && (other == row || drift < kAllowedDrift);
    }
    if (!parallel) {
      throw Error(
          ErrorCode::kRefused,
          fmt::format(
              "resampling: expected two grids with parallel axes, found {} and {} with other "
              "directions; bring both onto one grid first",
              describe(grid),
              describe(target)));
    }
  }
  return maps;
}

Geometry resampled_geometry(const Geometry& grid, const Eigen::Vector3d& spacing_mm) {
  Size3 size = grid.size;
  Eigen::Vector3d spacing = grid.spacing;
  Eigen::Vector3d first = Eigen::Vector3d::Zero();
  double voxels = 1;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto at = static_cast<Eigen::Index>(axis);
    const double ratio = grid.spacing[at] / spacing_mm[at];
    if (size[axis] > 1 && std::abs(ratio - 1) > kSameSpacing) {
      const double wanted = std::ceil(static_cast<double>(size[axis]) * ratio - kIgnoredRemainder);
      const double count = std::max(1.0, wanted);
      if (count < static_cast<double>(kMostVoxels)) {
        first[at] = (static_cast<double>(size[axis] - 1) - (count - 1) / ratio) / 2;
        size[axis] = static_cast<std::int64_t>(count);
        spacing[at] = spacing_mm[at];
      }
      voxels *= count;
    } else {
      voxels *= static_cast<double>(size[axis]);
    }
  }
  if (voxels > static_cast<double>(kMostVoxels)) {
    throw Error(
        ErrorCode::kResources,
        fmt::format(
            "resampling {} to {:g}x{:g}x{:g} mm would make {:.3g} voxels, more than 2^31; choose a "
            "coarser spacing_mm",
            describe(grid),
            spacing_mm[0],
            spacing_mm[1],
            spacing_mm[2],
            voxels));
  }
  return make_geometry(size, spacing, grid.to_physical(first), grid.direction);
}

Geometry fitted_geometry(const Geometry& grid, std::int64_t fit_size) {
  MARROW_CHECK(fit_size >= 1);
  Size3 size = grid.size;
  Eigen::Vector3d spacing = grid.spacing;
  Eigen::Vector3d first = Eigen::Vector3d::Zero();
  const auto extent = [&grid](std::size_t axis) {
    return static_cast<double>(grid.size[axis]) * grid.spacing[static_cast<Eigen::Index>(axis)];
  };
  const double side = std::max(extent(0), extent(1)) / static_cast<double>(fit_size);
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const auto at = static_cast<Eigen::Index>(axis);
    const double count = std::max(1.0, std::ceil(extent(axis) / side - kIgnoredRemainder));
    size[axis] = static_cast<std::int64_t>(count);
    spacing[at] = side;
    first[at] =
        (static_cast<double>(grid.size[axis] - 1) - (count - 1) * side / grid.spacing[at]) / 2;
  }
  const double voxels = static_cast<double>(size[0] * size[1]) * static_cast<double>(size[2]);
  if (voxels > static_cast<double>(kMostVoxels)) {
    throw Error(ErrorCode::kResources,
                fmt::format("resampling {} to {} voxels along its longer side would make {:.3g} "
                            "voxels, more than 2^31; choose a smaller fit_size",
                            describe(grid),
                            fit_size,
                            voxels));
  }
  return make_geometry(size, spacing, grid.to_physical(first), grid.direction);
}

Volume resampled(Volume volume, const Geometry& target) {
  const std::array<AxisMap, 3> maps = aligned_axes(volume.geometry, target);
  MARROW_CHECK(maps[0].axis == 0 && maps[1].axis == 1 && maps[2].axis == 2);
  // Axes that become coarser first: the rest then has less to do.
  std::array<std::size_t, 3> order{0, 1, 2};
  std::stable_sort(order.begin(), order.end(), [&maps](std::size_t a, std::size_t b) {
    return std::abs(maps[a].step) > std::abs(maps[b].step);
  });
  Size3 size = volume.geometry.size;
  VoxelVector<float> values = std::move(volume.voxels);
  for (const std::size_t axis : order) {
    if (size[axis] == target.size[axis] && std::abs(maps[axis].step - 1) < 1e-9 &&
        std::abs(maps[axis].offset) < 1e-6) {
      continue;
    }
    const ResampleTaps taps = make_taps(maps[axis], size[axis], target.size[axis]);
    std::int64_t inner = 1;
    for (std::size_t faster = 0; faster < axis; ++faster) {
      inner *= size[faster];
    }
    const std::int64_t inputs = size[axis];
    const std::int64_t outer = size[0] * size[1] * size[2] / (inner * inputs);
    size[axis] = target.size[axis];
    VoxelVector<float> next(static_cast<std::size_t>(size[0] * size[1] * size[2]), 0.0F);
    if (axis == 0) {
      resample_rows(values.data(), inputs, taps, next.data(), outer);
    } else {
      resample_planes(values.data(), inputs, taps, next.data(), inner, outer);
    }
    values = std::move(next);
  }
  return make_grid(target, std::move(values));
}

}  // namespace marrow
