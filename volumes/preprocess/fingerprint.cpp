#include "volumes/preprocess/fingerprint.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/error.h"
#include "core/rng.h"
#include "volumes/preprocess/body_mask.h"
#include "volumes/preprocess/intensity.h"
#include "volumes/preprocess/orientation.h"

namespace marrow {

namespace {

constexpr std::int64_t kAllSamples = 10'000'000;  // 40 MB per channel
constexpr std::int64_t kFewestSamples = 100;

// i, j, k of the box in which any channel is not 0; the whole grid where all are 0.
Size3 nonzero_box(std::span<const Volume> channels) {
  const Size3& size = channels.front().geometry.size;
  Size3 low = size;
  Size3 high{-1, -1, -1};
  for (const Volume& channel : channels) {
    for (std::int64_t k = 0; k < size[2]; ++k) {
      for (std::int64_t j = 0; j < size[1]; ++j) {
        const float* const row = &channel.at(0, j, k);
        const float* const end = row + size[0];
        const auto not_zero = [](float value) { return value != 0; };
        const float* const first = std::find_if(row, end, not_zero);
        if (first == end) {
          continue;
        }
        const float* last = end - 1;
        while (*last == 0) {
          --last;
        }
        const Size3 from{first - row, j, k};
        const Size3 to{last - row, j, k};
        for (std::size_t axis = 0; axis < 3; ++axis) {
          low[axis] = std::min(low[axis], from[axis]);
          high[axis] = std::max(high[axis], to[axis]);
        }
      }
    }
  }
  if (high[0] < 0) {
    return size;
  }
  return {high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1};
}

void append_samples(const Volume& channel,
                    std::span<const std::uint8_t> foreground,
                    std::int64_t count,
                    Rng rng,
                    std::vector<float>& samples) {
  std::vector<float> inside;
  for (std::size_t n = 0; n < foreground.size(); ++n) {
    if (foreground[n] > 0) {
      inside.push_back(channel.voxels[n]);
    }
  }
  for (std::int64_t n = 0; n < count && !inside.empty(); ++n) {
    const auto place = rng.below(static_cast<std::int64_t>(inside.size()));
    samples.push_back(inside[static_cast<std::size_t>(place)]);
  }
}

template <class T>
T middle_of(std::vector<T> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) {
    return *middle;
  }
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

template <class T>
std::array<T, 3> middle_of_axes(const std::vector<std::array<T, 3>>& rows) {
  std::array<T, 3> middle{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    std::vector<T> values;
    for (const std::array<T, 3>& row : rows) {
      values.push_back(row[axis]);
    }
    middle[axis] = middle_of(std::move(values));
  }
  return middle;
}

DatasetFingerprint::Intensities intensities_of(std::vector<float> samples) {
  DatasetFingerprint::Intensities result;
  if (samples.empty()) {
    return result;
  }
  const auto count = static_cast<double>(samples.size());
  double sum = 0;
  for (const float value : samples) {
    sum += value;
  }
  result.mean = sum / count;
  double squares = 0;
  for (const float value : samples) {
    squares += (value - result.mean) * (value - result.mean);
  }
  result.std = std::sqrt(squares / count);
  const auto [low, high] = std::minmax_element(samples.begin(), samples.end());
  result.min = *low;
  result.max = *high;
  result.median = percentile(samples, 50);
  result.percentile_00_5 = percentile(samples, 0.5);
  result.percentile_99_5 = percentile(samples, 99.5);
  return result;
}

}  // namespace

DatasetFingerprint::DatasetFingerprint(std::int64_t cases)
    : samples_per_case_(std::clamp(
          kAllSamples / std::max<std::int64_t>(cases, 1), kFewestSamples, kMostSamples)) {}

void DatasetFingerprint::add(const std::string& key,
                             std::vector<Volume> channels,
                             const LabelMap* labels) {
  MARROW_CHECK(!channels.empty() && (samples_.empty() || samples_.size() == channels.size()));
  samples_.resize(channels.size());
  const Geometry grid = channels.front().geometry;
  const Size3 box = nonzero_box(channels);
  spacings_.push_back({grid.spacing[2], grid.spacing[1], grid.spacing[0]});
  shapes_.push_back({box[2], box[1], box[0]});
  relative_sizes_.push_back(static_cast<double>(box[0] * box[1] * box[2]) /
                            static_cast<double>(grid.voxels()));
  std::vector<std::uint8_t> foreground;
  if (labels != nullptr) {
    foreground.resize(labels->voxels.size());
    std::transform(
        labels->voxels.begin(), labels->voxels.end(), foreground.begin(), [](std::uint16_t label) {
          return static_cast<std::uint8_t>(label > 0);
        });
  } else {
    // The mask is made slice by slice from below and needs the canonical orientation.
    const AxisMoves moves = canonical_moves(grid);
    for (Volume& channel : channels) {
      channel = reoriented(std::move(channel), moves);
    }
    foreground = body_mask(channels.front());
  }
  for (std::size_t channel = 0; channel < channels.size(); ++channel) {
    append_samples(channels[channel],
                   foreground,
                   samples_per_case_,
                   Rng(xxh3(std::as_bytes(std::span(key)))),
                   samples_[channel]);
  }
}

std::vector<DatasetFingerprint::Intensities> DatasetFingerprint::intensities() const {
  std::vector<Intensities> all;
  for (const std::vector<float>& samples : samples_) {
    all.push_back(intensities_of(samples));
  }
  return all;
}

double DatasetFingerprint::median_relative_size() const {
  return relative_sizes_.empty() ? 0 : middle_of(relative_sizes_);
}

std::array<double, 3> DatasetFingerprint::median_spacing() const {
  return spacings_.empty() ? std::array<double, 3>{} : middle_of_axes(spacings_);
}

std::array<std::int64_t, 3> DatasetFingerprint::median_shape() const {
  return shapes_.empty() ? std::array<std::int64_t, 3>{} : middle_of_axes(shapes_);
}

std::string DatasetFingerprint::json() const {
  nlohmann::ordered_json channels = nlohmann::ordered_json::object();
  const std::vector<Intensities> all = intensities();
  for (std::size_t channel = 0; channel < all.size(); ++channel) {
    const Intensities& one = all[channel];
    channels[std::to_string(channel)] = {{"max", one.max},
                                         {"mean", one.mean},
                                         {"median", one.median},
                                         {"min", one.min},
                                         {"percentile_00_5", one.percentile_00_5},
                                         {"percentile_99_5", one.percentile_99_5},
                                         {"std", one.std}};
  }
  nlohmann::ordered_json fingerprint;
  fingerprint["foreground_intensity_properties_per_channel"] = std::move(channels);
  fingerprint["median_relative_size_after_cropping"] = median_relative_size();
  fingerprint["shapes_after_crop"] = shapes_;
  fingerprint["spacings"] = spacings_;
  return fingerprint.dump(4) + "\n";
}

}  // namespace marrow
