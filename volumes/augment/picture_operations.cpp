#include "volumes/augment/picture_operations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <numeric>
#include <optional>
#include <vector>

#include "core/error.h"

namespace marrow {

namespace {

constexpr float kWhite = 255;
constexpr float kSolarizeAddBelow = 128;

float clip_grey(float value) {
  return std::clamp(value, 0.0F, kWhite);
}

std::size_t grey_level(float value) {
  return static_cast<std::size_t>(std::lround(clip_grey(value)));
}

// Where a picture's place comes from: (a x + b y + c, d x + e y + f), in voxels, with the centre of
// the first voxel at (0.5, 0.5), as Pillow's affine transforms have it.
struct PictureMap {
  double a = 1, b = 0, c = 0;
  double d = 0, e = 1, f = 0;
};

std::optional<PictureMap> picture_map(const PictureChange& change, double width, double height) {
  PictureMap map;
  switch (change.operation) {
    case PictureOperation::kRotate: {
      const double radians = change.value * std::numbers::pi / 180;
      const double cosine = std::cos(radians);
      const double sine = std::sin(radians);
      map = {cosine, -sine, 0, sine, cosine, 0};
      map.c = width / 2 - (map.a * width + map.b * height) / 2;
      map.f = height / 2 - (map.d * width + map.e * height) / 2;
      return map;
    }
    case PictureOperation::kShearX:
      map.b = change.value;
      return map;
    case PictureOperation::kShearY:
      map.d = change.value;
      return map;
    case PictureOperation::kTranslateX:
      map.c = change.value * width;
      return map;
    case PictureOperation::kTranslateY:
      map.f = change.value * height;
      return map;
    default:
      return std::nullopt;
  }
}

// Calls pick(x, y) for the source of every voxel that comes from inside; the rest is `fill`.
template <class T, class Pick>
std::vector<T> moved_picture(
    const PictureMap& map, std::int64_t width, std::int64_t height, T fill, const Pick& pick) {
  std::vector<T> out(static_cast<std::size_t>(width * height), fill);
  std::size_t at = 0;
  for (std::int64_t j = 0; j < height; ++j) {
    for (std::int64_t i = 0; i < width; ++i, ++at) {
      const double x = static_cast<double>(i) + 0.5;
      const double y = static_cast<double>(j) + 0.5;
      const double from_x = map.a * x + map.b * y + map.c;
      const double from_y = map.d * x + map.e * y + map.f;
      if (from_x >= 0 && from_x < static_cast<double>(width) && from_y >= 0 &&
          from_y < static_cast<double>(height)) {
        out[at] = pick(from_x, from_y);
      }
    }
  }
  return out;
}

void move_grey(std::span<float> grey,
               std::int64_t width,
               std::int64_t height,
               const PictureMap& map) {
  const auto value = [&](std::int64_t i, std::int64_t j) {
    return grey[static_cast<std::size_t>(std::clamp<std::int64_t>(i, 0, width - 1) +
                                         width * std::clamp<std::int64_t>(j, 0, height - 1))];
  };
  const auto linear = [&](double x, double y) {
    const double low_x = std::floor(x - 0.5);
    const double low_y = std::floor(y - 0.5);
    const auto i = static_cast<std::int64_t>(low_x);
    const auto j = static_cast<std::int64_t>(low_y);
    const auto share_x = static_cast<float>(x - 0.5 - low_x);
    const auto share_y = static_cast<float>(y - 0.5 - low_y);
    const float near = value(i, j) + share_x * (value(i + 1, j) - value(i, j));
    const float far = value(i, j + 1) + share_x * (value(i + 1, j + 1) - value(i, j + 1));
    return near + share_y * (far - near);
  };
  const std::vector<float> moved = moved_picture(map, width, height, 0.0F, linear);
  std::copy(moved.begin(), moved.end(), grey.begin());
}

void auto_contrast(std::span<float> grey) {
  const auto [low, high] = std::minmax_element(grey.begin(), grey.end());
  const float floor = *low;
  const float range = *high - floor;
  if (!(range > 1e-4F)) {
    return;
  }
  for (float& value : grey) {
    value = (value - floor) * (kWhite / range);
  }
}

// Every grey level becomes the share of what is darker, counted in steps of whole voxels.
void equalize(std::span<float> grey) {
  std::array<std::int64_t, 256> histogram{};
  for (const float value : grey) {
    ++histogram[grey_level(value)];
  }
  const auto brightest = std::find_if(
      histogram.rbegin(), histogram.rend(), [](std::int64_t count) { return count > 0; });
  const std::int64_t step = (static_cast<std::int64_t>(grey.size()) - *brightest) / 255;
  if (step == 0) {
    return;
  }
  std::array<float, 256> equalized{};
  std::int64_t darker = step / 2;
  for (std::size_t level = 0; level < histogram.size(); ++level) {
    const std::int64_t steps = darker / step;
    equalized[level] = clip_grey(static_cast<float>(steps));
    darker += histogram[level];
  }
  for (float& value : grey) {
    value = equalized[grey_level(value)];
  }
}

void posterize(std::span<float> grey, double bits) {
  const std::size_t kept = 0xFFU & ~((std::size_t{1} << (8 - std::lround(bits))) - 1);
  for (float& value : grey) {
    value = static_cast<float>(grey_level(value) & kept);
  }
}

// factor 0: what `degenerate` gives for a place; 1: the picture; beyond: more of the difference.
template <class Degenerate>
void enhance(std::span<float> grey, double factor, const Degenerate& degenerate) {
  const auto share = static_cast<float>(factor);
  for (std::size_t at = 0; at < grey.size(); ++at) {
    const float plain = degenerate(at);
    grey[at] = clip_grey(plain + share * (grey[at] - plain));
  }
}

float mean_grey_level(std::span<const float> grey) {
  const double sum = std::accumulate(grey.begin(), grey.end(), 0.0);
  return static_cast<float>(std::floor(sum / static_cast<double>(grey.size()) + 0.5));
}

// Pillow's SMOOTH: weights 1 around 5, over 13; the outermost voxels stay.
std::vector<float> smoothed(std::span<const float> grey, std::int64_t width, std::int64_t height) {
  std::vector<float> result(grey.begin(), grey.end());
  for (std::int64_t j = 1; j + 1 < height; ++j) {
    for (std::int64_t i = 1; i + 1 < width; ++i) {
      const std::int64_t at = i + width * j;
      float sum = 4 * grey[static_cast<std::size_t>(at)];
      for (std::int64_t row = at - width; row <= at + width; row += width) {
        for (std::int64_t place = row - 1; place <= row + 1; ++place) {
          sum += grey[static_cast<std::size_t>(place)];
        }
      }
      result[static_cast<std::size_t>(at)] = sum / 13;
    }
  }
  return result;
}

}  // namespace

void change_picture(std::span<float> grey,
                    std::int64_t width,
                    std::int64_t height,
                    const PictureChange& change) {
  MARROW_CHECK(grey.size() == static_cast<std::size_t>(width * height));
  const auto strength = static_cast<float>(change.value);
  switch (change.operation) {
    case PictureOperation::kAutoContrast:
      auto_contrast(grey);
      break;
    case PictureOperation::kEqualize:
      equalize(grey);
      break;
    case PictureOperation::kInvert:
      std::transform(grey.begin(), grey.end(), grey.begin(), [](float v) { return kWhite - v; });
      break;
    case PictureOperation::kPosterize:
      posterize(grey, change.value);
      break;
    case PictureOperation::kSolarize:
      std::transform(grey.begin(), grey.end(), grey.begin(), [strength](float v) {
        return v < strength ? v : kWhite - v;
      });
      break;
    case PictureOperation::kSolarizeAdd:
      std::transform(grey.begin(), grey.end(), grey.begin(), [strength](float v) {
        return v < kSolarizeAddBelow ? std::min(kWhite, v + strength) : v;
      });
      break;
    case PictureOperation::kContrast:
      enhance(grey, change.value, [mean = mean_grey_level(grey)](std::size_t) { return mean; });
      break;
    case PictureOperation::kBrightness:
      enhance(grey, change.value, [](std::size_t) { return 0.0F; });
      break;
    case PictureOperation::kSharpness:
      enhance(grey, change.value, [smooth = smoothed(grey, width, height)](std::size_t at) {
        return smooth[at];
      });
      break;
    default:
      move_grey(grey,
                width,
                height,
                *picture_map(change, static_cast<double>(width), static_cast<double>(height)));
  }
}

void change_picture_labels(std::span<std::uint8_t> labels,
                           std::int64_t width,
                           std::int64_t height,
                           const PictureChange& change) {
  MARROW_CHECK(labels.size() == static_cast<std::size_t>(width * height));
  const std::optional<PictureMap> map =
      picture_map(change, static_cast<double>(width), static_cast<double>(height));
  if (!map) {
    return;
  }
  const auto nearest = [&](double x, double y) {
    return labels[static_cast<std::size_t>(static_cast<std::int64_t>(x) +
                                           width * static_cast<std::int64_t>(y))];
  };
  const std::vector<std::uint8_t> moved =
      moved_picture(*map, width, height, std::uint8_t{0}, nearest);
  std::copy(moved.begin(), moved.end(), labels.begin());
}

}  // namespace marrow
