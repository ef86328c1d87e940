#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/geometry.h"
#include "core/volume.h"
#include "volumes/preprocess/recipe.h"

namespace marrow {

// The channels of one case on one prepared grid.
struct PreparedChannels {
  std::vector<Volume> channels;
  Geometry source;  // the grid of the input
  std::vector<std::string>
      warnings;  // phrases such as "channel 2: 3 voxels were NaN ..."; empty when all is well
};

// What prepare_volume does, for all channels of a case at once: with `crop_to_body` the box holds
// the body of every channel. Throws Error{kRefused} when the channels lie on different grids or a
// channel has too many voxels that are not finite, Error{kInvalidArgument} on none, or on a recipe
// that makes no sense.
[[nodiscard]] PreparedChannels prepare_channels(std::vector<Volume> inputs,
                                                const RecipeOptions& recipe);

// Throws Error{kInvalidArgument} unless spacing_mm has 0 or 3 values, of which 0 with a fit_size,
// window_hu has two rising ones and the rest is in range.
void check_recipe(const RecipeOptions& recipe);

}  // namespace marrow
