#include "volumes/preprocess/body_mask.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "core/error.h"
#include "volumes/preprocess/intensity.h"

namespace marrow {

namespace {

constexpr std::size_t kBins = 256;
constexpr std::size_t kMostSamples = std::size_t{1} << 20;  // of a large volume, evenly spaced
constexpr double kTissueOnly = 0.25;

constexpr std::uint8_t kAir = 0;
constexpr std::uint8_t kAbove = 1;
constexpr std::uint8_t kSeen = 2;
constexpr std::uint8_t kBody = 3;

// Turns the 6-connected part of `from` around `seed` into `to`; returns its size.
std::int64_t flood(std::vector<std::uint8_t>& state,
                   const Size3& size,
                   std::int64_t seed,
                   std::uint8_t from,
                   std::uint8_t to) {
  std::vector<std::int64_t> open{seed};
  state[static_cast<std::size_t>(seed)] = to;
  std::int64_t count = 0;
  const std::array<std::int64_t, 3> stride{1, size[0], size[0] * size[1]};
  while (!open.empty()) {
    const std::int64_t at = open.back();
    open.pop_back();
    ++count;
    const std::array<std::int64_t, 3> place{at % size[0], at / stride[1] % size[1], at / stride[2]};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (const std::int64_t step : {std::int64_t{-1}, std::int64_t{1}}) {
        if (place[axis] + step < 0 || place[axis] + step >= size[axis]) {
          continue;
        }
        const std::int64_t next = at + step * stride[axis];
        if (state[static_cast<std::size_t>(next)] == from) {
          state[static_cast<std::size_t>(next)] = to;
          open.push_back(next);
        }
      }
    }
  }
  return count;
}

// What is neither body nor reached by air from the border of an axial slice becomes body.
void fill_slice(std::uint8_t* slice, std::int64_t width, std::int64_t height) {
  std::vector<std::int64_t> open;
  const auto reach = [&](std::int64_t i, std::int64_t j) {
    const std::int64_t at = i + width * j;
    if (slice[at] != kBody && slice[at] != kSeen) {
      slice[at] = kSeen;
      open.push_back(at);
    }
  };
  for (std::int64_t i = 0; i < width; ++i) {
    reach(i, 0);
    reach(i, height - 1);
  }
  for (std::int64_t j = 0; j < height; ++j) {
    reach(0, j);
    reach(width - 1, j);
  }
  while (!open.empty()) {
    const std::int64_t at = open.back();
    open.pop_back();
    const std::int64_t i = at % width;
    const std::int64_t j = at / width;
    if (i > 0) {
      reach(i - 1, j);
    }
    if (i + 1 < width) {
      reach(i + 1, j);
    }
    if (j > 0) {
      reach(i, j - 1);
    }
    if (j + 1 < height) {
      reach(i, j + 1);
    }
  }
  for (std::int64_t at = 0; at < width * height; ++at) {
    slice[at] = slice[at] == kSeen ? 0 : 1;
  }
}

}  // namespace

OtsuSplit otsu_split(std::span<const float> values) {
  if (values.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "otsu_split: expected at least one value");
  }
  const std::size_t step = std::max<std::size_t>(1, values.size() / kMostSamples);
  std::vector<float> sample;
  for (std::size_t at = 0; at < values.size(); at += step) {
    if (!std::isfinite(values[at])) {
      throw Error(ErrorCode::kInvalidArgument, "otsu_split: expected finite values");
    }
    sample.push_back(values[at]);
  }
  const double low = percentile(sample, 0.1);
  const double high = percentile(sample, 99.9);
  if (!(high > low)) {
    return {low, low, low, low, high};
  }
  std::array<double, kBins> histogram{};
  const double width = (high - low) / static_cast<double>(kBins);
  for (const float value : sample) {
    const double bin = std::floor((static_cast<double>(value) - low) / width);
    histogram[static_cast<std::size_t>(std::clamp(bin, 0.0, static_cast<double>(kBins - 1)))] += 1;
  }
  double all_sum = 0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    all_sum += histogram[bin] * static_cast<double>(bin);
  }
  const auto all = static_cast<double>(sample.size());
  double count = 0;
  double sum = 0;
  double best = -1;
  OtsuSplit split{low, low, low, low, high};
  for (std::size_t bin = 0; bin + 1 < kBins; ++bin) {
    count += histogram[bin];
    sum += histogram[bin] * static_cast<double>(bin);
    if (count == 0 || count == all) {
      continue;
    }
    const double low_mean = sum / count;
    const double high_mean = (all_sum - sum) / (all - count);
    const double between = count * (all - count) * (high_mean - low_mean) * (high_mean - low_mean);
    if (between > best) {
      best = between;
      split.threshold = low + width * static_cast<double>(bin + 1);
      split.low_mean = low + width * (low_mean + 0.5);
      split.high_mean = low + width * (high_mean + 0.5);
    }
  }
  return split;
}

std::vector<std::uint8_t> body_mask(const Volume& volume) {
  const OtsuSplit split = otsu_split(volume.voxels);
  const double dark = split.low_mean - split.low_end;
  const double bright = split.high_mean - split.low_end;
  if (!(split.high_end > split.low_end) || dark > kTissueOnly * bright) {
    return std::vector<std::uint8_t>(volume.voxels.size(), 1);
  }
  std::vector<std::uint8_t> state(volume.voxels.size());
  std::transform(volume.voxels.begin(), volume.voxels.end(), state.begin(), [&split](float value) {
    return static_cast<double>(value) >= split.threshold ? kAbove : kAir;
  });
  const Size3& size = volume.geometry.size;
  std::int64_t largest = 0;
  std::int64_t seed = 0;
  for (std::int64_t at = 0; at < volume.geometry.voxels(); ++at) {
    if (state[static_cast<std::size_t>(at)] == kAbove) {
      const std::int64_t count = flood(state, size, at, kAbove, kSeen);
      if (count > largest) {
        largest = count;
        seed = at;
      }
    }
  }
  if (largest == 0) {
    return std::vector<std::uint8_t>(volume.voxels.size(), 1);
  }
  flood(state, size, seed, kSeen, kBody);
  std::replace(state.begin(), state.end(), kSeen, kAir);
  for (std::int64_t k = 0; k < size[2]; ++k) {
    fill_slice(state.data() + k * size[0] * size[1], size[0], size[1]);
  }
  return state;
}

}  // namespace marrow
