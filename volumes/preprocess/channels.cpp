#include "volumes/preprocess/channels.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/log.h"
#include "volumes/preprocess/body_mask.h"
#include "volumes/preprocess/intensity.h"
#include "volumes/preprocess/orientation.h"
#include "volumes/preprocess/resample.h"

namespace marrow {

namespace {

constexpr std::int64_t kCropMargin = 2;  // voxels kept around the body
constexpr float kAirAtLeast =
    -500;  // HU; a CT that never goes below shows no air, or has a wrong intercept

struct IndexBox {
  std::array<std::int64_t, 3> low{};
  std::array<std::int64_t, 3> high{};  // one past the last
};

void extend(IndexBox& box, std::span<const std::uint8_t> body, const Size3& size) {
  std::size_t at = 0;
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i, ++at) {
        if (body[at] == 0) {
          continue;
        }
        const std::array<std::int64_t, 3> place{i, j, k};
        for (std::size_t axis = 0; axis < 3; ++axis) {
          box.low[axis] = std::min(box.low[axis], place[axis]);
          box.high[axis] = std::max(box.high[axis], place[axis] + 1);
        }
      }
    }
  }
}

Volume cropped(const Volume& volume, const IndexBox& box) {
  const Size3 size{box.high[0] - box.low[0], box.high[1] - box.low[1], box.high[2] - box.low[2]};
  const Eigen::Vector3d corner(static_cast<double>(box.low[0]),
                               static_cast<double>(box.low[1]),
                               static_cast<double>(box.low[2]));
  const Geometry& grid = volume.geometry;
  Volume result =
      make_grid(make_geometry(size, grid.spacing, grid.to_physical(corner), grid.direction), 0.0F);
  auto out = result.voxels.begin();
  for (std::int64_t k = box.low[2]; k < box.high[2]; ++k) {
    for (std::int64_t j = box.low[1]; j < box.high[1]; ++j) {
      const auto row =
          volume.voxels.begin() + static_cast<std::ptrdiff_t>(volume.offset(box.low[0], j, k));
      out = std::copy_n(row, size[0], out);
    }
  }
  return result;
}

// What the input looks like before anything is done to it.
void clean_channel(Volume& volume,
                   const RecipeOptions& recipe,
                   const std::string& prefix,
                   PreparedChannels& result) {
  if (const std::int64_t replaced = replace_not_finite(volume); replaced > 0) {
    result.warnings.push_back(
        fmt::format("{}{} voxels were NaN or infinite and took the smallest value of the image",
                    prefix,
                    replaced));
  }
  const auto [low, high] = std::minmax_element(volume.voxels.begin(), volume.voxels.end());
  if (*low == *high) {
    result.warnings.push_back(fmt::format("{}all voxels have the same value, {:g}", prefix, *low));
  } else if (recipe.modality == "ct" && *low > kAirAtLeast) {
    result.warnings.push_back(
        fmt::format("{}the lowest value is {:g} HU where air near -1000 was expected; check the "
                    "rescale intercept",
                    prefix,
                    *low));
  }
}

}  // namespace

PreparedChannels prepare_channels(std::vector<Volume> inputs, const RecipeOptions& recipe) {
  check_recipe(recipe);
  if (inputs.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "prepare: expected at least one channel");
  }
  PreparedChannels result;
  result.source = inputs.front().geometry;
  for (std::size_t channel = 1; channel < inputs.size(); ++channel) {
    const std::string difference = geometry_difference(result.source, inputs[channel].geometry);
    if (!difference.empty()) {
      throw Error(ErrorCode::kRefused,
                  fmt::format("channel 1 ({}) and channel {} ({}) lie on different grids: {}; "
                              "bring them onto one grid",
                              describe(result.source),
                              channel + 1,
                              describe(inputs[channel].geometry),
                              difference));
    }
  }
  const AxisMoves moves = canonical_moves(result.source);
  Geometry grid = reoriented(result.source, moves);
  const Geometry canonical = grid;
  if (!recipe.spacing_mm.empty()) {
    grid = resampled_geometry(
        grid, Eigen::Vector3d(recipe.spacing_mm[0], recipe.spacing_mm[1], recipe.spacing_mm[2]));
  } else if (recipe.fit_size > 0) {
    grid = fitted_geometry(grid, recipe.fit_size);
  }
  IndexBox box{grid.size, {0, 0, 0}};
  for (std::size_t channel = 0; channel < inputs.size(); ++channel) {
    Volume volume = std::move(inputs[channel]);
    clean_channel(
        volume, recipe, inputs.size() > 1 ? fmt::format("channel {}: ", channel + 1) : "", result);
    volume = reoriented(std::move(volume), moves);
    // Channels agree within the tolerance; from here on they have the first one's grid exactly.
    volume.geometry = canonical;
    volume = resampled(std::move(volume), grid);
    if (recipe.modality == "mr" || recipe.crop_to_body) {
      const std::vector<std::uint8_t> body = body_mask(volume);
      if (recipe.crop_to_body) {
        extend(box, body, grid.size);
      }
      if (recipe.modality == "mr") {
        z_score_body(volume, body, recipe.lower_percentile, recipe.upper_percentile);
      }
    }
    if (recipe.modality == "ct") {
      scale_window(volume, recipe.window_hu[0], recipe.window_hu[1]);
    }
    result.channels.push_back(std::move(volume));
  }
  if (recipe.crop_to_body) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      box.low[axis] = std::max<std::int64_t>(0, box.low[axis] - kCropMargin);
      box.high[axis] = std::min(grid.size[axis], box.high[axis] + kCropMargin);
    }
    for (Volume& volume : result.channels) {
      volume = cropped(volume, box);
    }
  }
  return result;
}

PreparedVolume prepare_volume(const Volume& input, const RecipeOptions& recipe) {
  PreparedChannels prepared = prepare_channels({input}, recipe);
  for (const std::string& warning : prepared.warnings) {
    log::warn("prepare: " + warning);
  }
  return {std::move(prepared.channels.front()), prepared.source};
}

}  // namespace marrow
