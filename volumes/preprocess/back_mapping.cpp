// Maps between grids whose axes are parallel: labels onto the prepared grid, predictions back onto
// the input's.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "volumes/preprocess/recipe.h"
#include "volumes/preprocess/resample.h"

namespace marrow {

namespace {

// Where the outermost voxels of a grid end, with room for the remainder that resampled_geometry
// ignores.
constexpr double kGridMargin = 0.5 + 0.02;
// A centre on the border of two voxels belongs to the lower one, whatever the last bit of the
// geometry says.
constexpr double kTieBreak = 1e-6;

// What one target index reads along its source axis: two neighbours and the weight of the second;
// outside: low < 0.
struct BackTap {
  std::int64_t low = -1;
  std::int64_t high = -1;
  float weight = 0;
};

double index_on_axis(const AxisMap& map, std::int64_t target) {
  return map.offset + map.step * static_cast<double>(target);
}

bool inside_axis(double index, std::int64_t inputs) {
  return index >= -kGridMargin && index <= static_cast<double>(inputs - 1) + kGridMargin;
}

std::vector<BackTap> nearest_taps(const AxisMap& map, std::int64_t inputs, std::int64_t outputs) {
  std::vector<BackTap> taps(static_cast<std::size_t>(outputs));
  for (std::int64_t output = 0; output < outputs; ++output) {
    const double index = index_on_axis(map, output);
    if (inside_axis(index, inputs)) {
      const auto nearest = static_cast<std::int64_t>(std::ceil(index - 0.5 - kTieBreak));
      taps[static_cast<std::size_t>(output)].low = std::clamp<std::int64_t>(nearest, 0, inputs - 1);
    }
  }
  return taps;
}

std::vector<BackTap> linear_taps(const AxisMap& map, std::int64_t inputs, std::int64_t outputs) {
  std::vector<BackTap> taps(static_cast<std::size_t>(outputs));
  for (std::int64_t output = 0; output < outputs; ++output) {
    double index = index_on_axis(map, output);
    if (!inside_axis(index, inputs)) {
      continue;
    }
    if (std::abs(index - std::round(index)) < kTieBreak) {
      index = std::round(index);
    }
    index = std::clamp(index, 0.0, static_cast<double>(inputs - 1));
    const auto low = static_cast<std::int64_t>(std::floor(index));
    taps[static_cast<std::size_t>(output)] = {
        low, std::min(low + 1, inputs - 1), static_cast<float>(index - static_cast<double>(low))};
  }
  return taps;
}

// Offset in the source of a step along each target axis.
std::array<std::int64_t, 3> source_strides(const std::array<AxisMap, 3>& maps,
                                           const Size3& source) {
  const std::array<std::int64_t, 3> stride{1, source[0], source[0] * source[1]};
  return {stride[maps[0].axis], stride[maps[1].axis], stride[maps[2].axis]};
}

LabelMap nearest_onto(const LabelMap& input, const Geometry& target) {
  const std::array<AxisMap, 3> maps = aligned_axes(input.geometry, target);
  const std::array<std::int64_t, 3> stride = source_strides(maps, input.geometry.size);
  std::array<std::vector<BackTap>, 3> taps;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    taps[axis] = nearest_taps(maps[axis], input.geometry.size[maps[axis].axis], target.size[axis]);
  }
  LabelMap result = make_grid(target, std::uint16_t{0});
  std::uint16_t* out = result.voxels.data();
  for (const BackTap& k : taps[2]) {
    for (const BackTap& j : taps[1]) {
      if (k.low < 0 || j.low < 0) {
        out += target.size[0];
        continue;
      }
      const std::int64_t row = k.low * stride[2] + j.low * stride[1];
      for (const BackTap& i : taps[0]) {
        *out++ = i.low < 0 ? std::uint16_t{0}
                           : input.voxels[static_cast<std::size_t>(row + i.low * stride[0])];
      }
    }
  }
  return result;
}

}  // namespace

LabelMap prepare_labels(const LabelMap& input, const Geometry& grid) {
  return nearest_onto(input, grid);
}

LabelMap labels_to_source(const LabelMap& prepared, const Geometry& source) {
  return nearest_onto(prepared, source);
}

Volume scores_to_source(const Volume& prepared, const Geometry& source, float outside) {
  const std::array<AxisMap, 3> maps = aligned_axes(prepared.geometry, source);
  const std::array<std::int64_t, 3> stride = source_strides(maps, prepared.geometry.size);
  std::array<std::vector<BackTap>, 3> taps;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    taps[axis] =
        linear_taps(maps[axis], prepared.geometry.size[maps[axis].axis], source.size[axis]);
  }
  Volume result = make_grid(source, outside);
  float* out = result.voxels.data();
  for (const BackTap& k : taps[2]) {
    for (const BackTap& j : taps[1]) {
      if (k.low < 0 || j.low < 0) {
        out += source.size[0];
        continue;
      }
      const float* const near_near = prepared.voxels.data() + k.low * stride[2] + j.low * stride[1];
      const float* const near_far = prepared.voxels.data() + k.low * stride[2] + j.high * stride[1];
      const float* const far_near = prepared.voxels.data() + k.high * stride[2] + j.low * stride[1];
      const float* const far_far = prepared.voxels.data() + k.high * stride[2] + j.high * stride[1];
      const auto across = [&](std::int64_t at) {
        const float low = near_near[at] + j.weight * (near_far[at] - near_near[at]);
        const float high = far_near[at] + j.weight * (far_far[at] - far_near[at]);
        return low + k.weight * (high - low);
      };
      for (const BackTap& i : taps[0]) {
        if (i.low >= 0) {
          const float low = across(i.low * stride[0]);
          *out = low + i.weight * (across(i.high * stride[0]) - low);
        }
        ++out;
      }
    }
  }
  return result;
}

}  // namespace marrow
