#include "volumes/augment/rand_augment.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/rng.h"

namespace marrow {

namespace {

constexpr double kMostMagnitude = 10;
constexpr double kOperationChance = 0.5;  // of one that was drawn to be carried out
constexpr float kMostGrey = 255;

}  // namespace

double operation_value(PictureOperation operation, double magnitude, bool negative) {
  const double level = magnitude / kMostMagnitude;
  const double sign = negative ? -1 : 1;
  switch (operation) {
    case PictureOperation::kRotate:
      return sign * 30 * level;
    case PictureOperation::kShearX:
    case PictureOperation::kShearY:
      return sign * 0.3 * level;
    case PictureOperation::kTranslateX:
    case PictureOperation::kTranslateY:
      return sign * 0.45 * level;
    case PictureOperation::kContrast:
    case PictureOperation::kBrightness:
    case PictureOperation::kSharpness:
      return std::max(0.1, 1 + sign * 0.9 * level);
    case PictureOperation::kPosterize:
      return std::max(1.0, 4 - std::trunc(4 * level));
    case PictureOperation::kSolarize:
      return 256 - std::min(256.0, std::trunc(256 * level));
    case PictureOperation::kSolarizeAdd:
      return std::min(128.0, std::trunc(110 * level));
    default:
      return 0;
  }
}

std::vector<PictureChange> draw_rand_augment(const AugmentOptions& options, std::uint64_t seed) {
  Rng rng(seed, "randaugment", {});
  std::vector<PictureChange> changes;
  for (std::int64_t n = 0; n < options.randaugment; ++n) {
    const auto operation = static_cast<PictureOperation>(rng.below(kPictureOperations));
    const double magnitude = options.randaugment_magnitude + options.randaugment_std * rng.normal();
    const bool negative = rng.chance(0.5);
    if (rng.chance(kOperationChance)) {
      changes.push_back(
          {operation,
           operation_value(operation, std::clamp(magnitude, 0.0, kMostMagnitude), negative)});
    }
  }
  return changes;
}

void change_pictures(std::span<float> values,
                     const Size3& size,
                     std::span<const PictureChange> changes) {
  if (values.empty() || changes.empty()) {
    return;
  }
  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  const float low = *lowest;
  const float range = *highest - low;
  if (!(range > 1e-7F)) {
    return;
  }
  for (float& value : values) {
    value = std::min(kMostGrey, (value - low) * (kMostGrey / range));
  }
  const auto slice = static_cast<std::size_t>(size[0] * size[1]);
  for (std::size_t at = 0; at < values.size(); at += slice) {
    for (const PictureChange& change : changes) {
      change_picture(values.subspan(at, slice), size[0], size[1], change);
    }
  }
  for (float& value : values) {
    value = low + value * (range / kMostGrey);
  }
}

void move_picture_labels(std::span<std::uint8_t> labels,
                         const Size3& size,
                         std::span<const PictureChange> changes) {
  const auto slice = static_cast<std::size_t>(size[0] * size[1]);
  for (std::size_t at = 0; at < labels.size(); at += slice) {
    for (const PictureChange& change : changes) {
      change_picture_labels(labels.subspan(at, slice), size[0], size[1], change);
    }
  }
}

}  // namespace marrow
