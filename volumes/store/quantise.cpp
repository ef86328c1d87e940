#include "volumes/store/quantise.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace marrow {

namespace {

constexpr double kFewestWindowSteps = 1024;
constexpr double kMostWindowSteps = 65534;  // either side of the middle fits int16
constexpr double kRangeSteps = 4095;

}  // namespace

Quantisation choose_quantisation(std::span<const float> values, const RecipeOptions& recipe) {
  MARROW_CHECK(!values.empty());
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (!std::isfinite(*low) || !std::isfinite(*high)) {
    throw Error(ErrorCode::kInvalidArgument, "store: expected finite normalised values");
  }
  if (*low == *high) {
    return {1.0F, *low};
  }
  if (recipe.modality == "ct") {
    const double width = recipe.window_hu[1] - recipe.window_hu[0];
    double steps = width;
    while (steps < kFewestWindowSteps) {
      steps *= 2;
    }
    while (steps > kMostWindowSteps) {
      steps /= 2;
    }
    // q = 0 lies on a whole step near the middle of the window, which needs the range of int16 on
    // both sides.
    const double scale = 2 / steps;
    return {static_cast<float>(scale), static_cast<float>(-1 + scale * std::floor(steps / 2))};
  }
  const double range = static_cast<double>(*high) - static_cast<double>(*low);
  return {static_cast<float>(range / kRangeSteps),
          static_cast<float>(static_cast<double>(*low) + range / 2)};
}

std::int16_t quantised(float value, const Quantisation& quantisation) {
  const float steps = std::nearbyint((value - quantisation.offset) / quantisation.scale);
  return static_cast<std::int16_t>(std::clamp(steps, -32768.0F, 32767.0F));
}

}  // namespace marrow
