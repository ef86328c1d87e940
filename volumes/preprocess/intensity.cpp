#include "volumes/preprocess/intensity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

double percentile(std::span<float> values, double percent) {
  MARROW_CHECK(!values.empty() && percent >= 0 && percent <= 100);
  const double position = percent / 100 * static_cast<double>(values.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(position), values.size() - 1);
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(values.begin(), middle, values.end());
  const double low = *middle;
  const double part = position - static_cast<double>(below);
  if (part == 0 || below + 1 == values.size()) {
    return low;
  }
  const double high = *std::min_element(middle + 1, values.end());
  return low + part * (high - low);
}

std::int64_t count_not_finite(const Volume& volume) {
  return std::count_if(volume.voxels.begin(), volume.voxels.end(), [](float value) {
    return !std::isfinite(value);
  });
}

std::int64_t replace_not_finite(Volume& volume) {
  const std::int64_t count = count_not_finite(volume);
  const double share = static_cast<double>(count) / static_cast<double>(volume.geometry.voxels());
  if (share > kMostNotFinite) {
    throw Error(ErrorCode::kRefused,
                fmt::format("{} of {} voxels ({:.1f} %) are NaN or infinite where at most 1 % is "
                            "tolerated; export the "
                            "image again",
                            count,
                            volume.geometry.voxels(),
                            100 * share));
  }
  if (count > 0) {
    float smallest = std::numeric_limits<float>::max();
    for (const float value : volume.voxels) {
      smallest = std::isfinite(value) ? std::min(smallest, value) : smallest;
    }
    std::replace_if(
        volume.voxels.begin(),
        volume.voxels.end(),
        [](float value) { return !std::isfinite(value); },
        smallest);
  }
  return count;
}

void scale_window(Volume& volume, double low_hu, double high_hu) {
  const auto low = static_cast<float>(low_hu);
  const auto high = static_cast<float>(high_hu);
  const auto centre = static_cast<float>((low_hu + high_hu) / 2);
  const auto half_width = static_cast<float>((high_hu - low_hu) / 2);
  for (float& value : volume.voxels) {
    value = (std::clamp(value, low, high) - centre) / half_width;
  }
}

void z_score_body(Volume& volume,
                  std::span<const std::uint8_t> body,
                  double lower_percentile,
                  double upper_percentile) {
  MARROW_CHECK(body.size() == volume.voxels.size());
  std::vector<float> inside;
  for (std::size_t at = 0; at < body.size(); ++at) {
    if (body[at] != 0) {
      inside.push_back(volume.voxels[at]);
    }
  }
  MARROW_CHECK(!inside.empty());
  const auto low = static_cast<float>(percentile(inside, lower_percentile));
  const auto high = static_cast<float>(percentile(inside, upper_percentile));
  double sum = 0;
  for (float& value : inside) {
    value = std::clamp(value, low, high);
    sum += static_cast<double>(value);
  }
  const double mean = sum / static_cast<double>(inside.size());
  double squares = 0;
  for (const float value : inside) {
    squares += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
  }
  const double deviation = std::sqrt(squares / static_cast<double>(inside.size()));
  for (float& value : volume.voxels) {
    const double clipped = static_cast<double>(std::clamp(value, low, high));
    value = deviation > 0 ? static_cast<float>((clipped - mean) / deviation) : 0.0F;
  }
}

}  // namespace marrow
