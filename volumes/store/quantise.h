#pragma once

#include <cstdint>
#include <span>

#include "volumes/preprocess/recipe.h"

namespace marrow {

// How normalised values become int16: value = offset + scale * q, in float32.
struct Quantisation {
  float scale = 1;
  float offset = 0;
};

// CT: q counts steps of 1 HU from the lower end of the window, halved until the window has at least
// 1024 steps (and doubled while it has more than 65534): whole HU are kept exactly, everything else
// within half a step. MR: 4095 steps between the smallest and the largest value of the channel.
// `values`: normalised, finite. A constant channel has scale 1 and its value as the offset.
[[nodiscard]] Quantisation choose_quantisation(std::span<const float> values,
                                               const RecipeOptions& recipe);

// Nearest step, clipped to int16.
[[nodiscard]] std::int16_t quantised(float value, const Quantisation& quantisation);

[[nodiscard]] inline float dequantised(std::int16_t value, const Quantisation& quantisation) {
  return quantisation.offset + quantisation.scale * static_cast<float>(value);
}

}  // namespace marrow
