#include "volumes/curation/volume_flags.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"
#include "volumes/curation/term_matcher.h"

namespace marrow {

namespace {

// How many voxels an interval may leave out that shall hold 99.9 % of them.
std::size_t may_be_left_out(std::size_t voxels) {
  return voxels / 1000;
}

bool is_narrow(float low, float high) {
  const double magnitude = std::max(std::abs(low), std::abs(high));
  return static_cast<double>(high) - low <= 0.01 * magnitude;
}

// Most volumes show in one walk that they are not blank: when more voxels than may be left out lie
// at or below one value, and as many at or above another that is not narrowly above it, an interval
// that holds the rest reaches from one to the other and is no narrower. The two values come from a
// sample; that they are good ones is not needed.
bool shows_something(std::span<const float> voxels) {
  constexpr std::size_t kSampled = 1 << 14;
  const std::size_t stride = std::max<std::size_t>(1, voxels.size() / kSampled);
  std::vector<float> sample;
  for (std::size_t n = 0; n < voxels.size(); n += stride) {
    if (std::isfinite(voxels[n])) {
      sample.push_back(voxels[n]);
    }
  }
  if (sample.empty()) {
    return false;
  }
  std::sort(sample.begin(), sample.end());
  const float low = sample[sample.size() / 200];
  const float high = sample[sample.size() - 1 - sample.size() / 200];
  if (is_narrow(low, high)) {
    return false;
  }
  std::size_t finite = 0, below = 0, above = 0;
  for (const float value : voxels) {
    const bool counts = std::isfinite(value);
    finite += counts ? 1 : 0;
    below += counts && value <= low ? 1 : 0;
    above += counts && value >= high ? 1 : 0;
  }
  return std::min(below, above) > may_be_left_out(finite);
}

std::string blank_reason(std::span<const float> voxels) {
  if (shows_something(voxels)) {
    return "";
  }
  std::vector<float> values;
  values.reserve(voxels.size());
  std::copy_if(voxels.begin(), voxels.end(), std::back_inserter(values), [](float value) {
    return std::isfinite(value);
  });
  if (values.empty()) {
    return "no voxel is finite";
  }
  // The interval leaves out `out` voxels, some below and the others above it: only those tails have
  // to be in order.
  const std::size_t out = may_be_left_out(values.size());
  const auto lower = values.begin() + static_cast<std::ptrdiff_t>(out);
  const auto upper = values.end() - 1 - static_cast<std::ptrdiff_t>(out);
  std::nth_element(values.begin(), lower, values.end());
  std::sort(values.begin(), lower);
  if (upper > lower) {
    std::nth_element(lower + 1, upper, values.end());
    std::sort(upper, values.end());
  }
  float low = values.front(), high = *upper;
  for (std::size_t below = 0; below <= out; ++below) {
    const float first = values[below];
    const float last = values[values.size() - 1 - out + below];
    if (static_cast<double>(last) - first < static_cast<double>(high) - low) {
      low = first;
      high = last;
    }
  }
  return is_narrow(low, high) ? fmt::format("99.9 % of the voxels lie from {:g} to {:g}", low, high)
                              : "";
}

std::string scout_reason(const Geometry& grid) {
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t count = grid.size[static_cast<std::size_t>(axis)];
    if (count < 4) {
      return fmt::format("{} voxels along {}, a volume has 4 or more", count, "ijk"[axis]);
    }
    const double extent = static_cast<double>(count) * grid.spacing[axis];
    if (extent < 5) {
      return fmt::format(
          "extent of {:g} mm along {}, a volume has 5 mm or more", extent, "ijk"[axis]);
    }
  }
  const double ratio = grid.spacing.maxCoeff() / grid.spacing.minCoeff();
  if (ratio > 40) {
    return fmt::format("spacings {:g} to 1, a volume has up to 40 to 1", ratio);
  }
  return "";
}

constexpr float kObjectHu = -300, kAirHu = -500, kDenseHu = 200;
constexpr std::int64_t kModeHu = 40;

// Counts of a CT volume, in one walk.
struct CtCounts {
  // Of the object: one count for each HU from kObjectHu to kDenseHu; above that only their sum.
  std::array<std::int64_t, static_cast<std::size_t>(kDenseHu - kObjectHu) + 1> at_hu{};
  std::int64_t object = 0, dense = 0, air = 0;
  Size3 first{}, last{};

  [[nodiscard]] std::int64_t box() const {
    return (last[0] - first[0] + 1) * (last[1] - first[1] + 1) * (last[2] - first[2] + 1);
  }
};

CtCounts count_ct(const Volume& volume) {
  CtCounts counts;
  const Size3& size = volume.geometry.size;
  counts.first = size;
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i) {
        const float hu = volume.at(i, j, k);
        if (!std::isfinite(hu)) {
          continue;
        }
        counts.air += hu < kAirHu ? 1 : 0;
        if (hu <= kObjectHu) {
          continue;
        }
        ++counts.object;
        if (hu > kDenseHu) {
          ++counts.dense;
        } else {
          ++counts.at_hu[static_cast<std::size_t>(std::lround(hu - kObjectHu))];
        }
        const Size3 index{i, j, k};
        for (std::size_t axis = 0; axis < 3; ++axis) {
          counts.first[axis] = std::min(counts.first[axis], index[axis]);
          counts.last[axis] = std::max(counts.last[axis], index[axis]);
        }
      }
    }
  }
  return counts;
}

std::string water_reason(const Volume& volume) {
  const CtCounts counts = count_ct(volume);
  const auto all = static_cast<double>(volume.voxels.size());
  const auto object = static_cast<double>(counts.object);
  if (object < 1 || object < 0.001 * all || object < 0.5 * static_cast<double>(counts.box()) ||
      static_cast<double>(counts.air) < 0.05 * all ||
      static_cast<double>(counts.dense) >= 0.01 * object) {
    return "";
  }
  const auto bins = static_cast<std::int64_t>(counts.at_hu.size());
  std::int64_t inside = 0, most = 0, mode = 0;
  for (std::int64_t upper = 0; upper < bins; ++upper) {
    inside += counts.at_hu[static_cast<std::size_t>(upper)];
    const std::int64_t gone = upper - 2 * kModeHu - 1;
    inside -= gone >= 0 ? counts.at_hu[static_cast<std::size_t>(gone)] : 0;
    if (inside > most) {
      most = inside;
      mode = upper - kModeHu + static_cast<std::int64_t>(kObjectHu);
    }
  }
  const double share = static_cast<double>(most) / object;
  if (share <= 0.9) {
    return "";
  }
  return fmt::format("{:.1f} % of what is not air lies within 40 HU of {} HU, {:.2f} % above 200",
                     100 * share,
                     mode,
                     100 * static_cast<double>(counts.dense) / object);
}

}  // namespace

VolumeFlags volume_flags(const Volume& volume, Modality modality) {
  if (volume.voxels.empty() ||
      static_cast<std::int64_t>(volume.voxels.size()) != volume.geometry.voxels()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("volume flags: expected the {} voxels of the grid and at least one, "
                            "found {}; read the volume again",
                            volume.geometry.voxels(),
                            volume.voxels.size()));
  }
  return {blank_reason(volume.voxels),
          scout_reason(volume.geometry),
          modality == Modality::kCt ? water_reason(volume) : ""};
}

std::string phantom_in_words(std::string_view header_words) {
  const std::vector<std::string> words{
      "phantom", "qc", "qa", "quality control", "quality assurance"};
  const std::vector<std::size_t> found = TermMatcher(words).terms_in(header_words);
  return found.empty() ? "" : fmt::format("the header says \"{}\"", words[found.front()]);
}

}  // namespace marrow
