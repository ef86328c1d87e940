#include "volumes/curation/volume_flags.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "volumes/curation/term_matcher.h"

namespace marrow {

namespace {

// Reorders `values`, which are finite.
std::optional<std::string> blank_reason(std::vector<float>& values) {
  if (values.empty()) {
    return "no voxel is finite";
  }
  // The interval leaves out `out` voxels, some below and the others above it: only those tails have
  // to be in order.
  const std::size_t out = values.size() / 1000;
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
  const double width = static_cast<double>(high) - low;
  const double magnitude = std::max(std::abs(low), std::abs(high));
  if (width > 0.01 * magnitude) {
    return std::nullopt;
  }
  return fmt::format("99.9 % of the voxels lie from {:g} to {:g}", low, high);
}

std::optional<std::string> scout_reason(const Geometry& grid) {
  if (grid.size[2] < 4) {
    return fmt::format("{} slices, a volume has 4 or more", grid.size[2]);
  }
  for (int axis = 0; axis < 3; ++axis) {
    const double extent =
        static_cast<double>(grid.size[static_cast<std::size_t>(axis)]) * grid.spacing[axis];
    if (extent < 5) {
      return fmt::format(
          "extent of {:g} mm along {}, a volume has 5 mm or more", extent, "ijk"[axis]);
    }
  }
  const double ratio = grid.spacing.maxCoeff() / grid.spacing.minCoeff();
  if (ratio > 40) {
    return fmt::format("spacings {:g} to 1, a volume has up to 40 to 1", ratio);
  }
  return std::nullopt;
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

std::optional<std::string> water_reason(const Volume& volume) {
  const CtCounts counts = count_ct(volume);
  const auto all = static_cast<double>(volume.voxels.size());
  const auto object = static_cast<double>(counts.object);
  if (object < 1 || object < 0.001 * all || object < 0.5 * static_cast<double>(counts.box()) ||
      static_cast<double>(counts.air) < 0.05 * all ||
      static_cast<double>(counts.dense) >= 0.01 * object) {
    return std::nullopt;
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
    return std::nullopt;
  }
  return fmt::format("{:.1f} % of what is not air lies within 40 HU of {} HU, {:.2f} % above 200",
                     100 * share,
                     mode,
                     100 * static_cast<double>(counts.dense) / object);
}

std::optional<std::string> phantom_reason(const Volume& volume,
                                          Modality modality,
                                          std::string_view header_words) {
  const std::vector<std::string> words{
      "phantom", "qc", "qa", "quality control", "quality assurance"};
  const std::vector<std::size_t> found = TermMatcher(words).terms_in(header_words);
  if (!found.empty()) {
    return fmt::format("the header says \"{}\"", words[found.front()]);
  }
  return modality == Modality::kCt ? water_reason(volume) : std::nullopt;
}

}  // namespace

std::string_view volume_flag_name(VolumeFlagKind kind) {
  switch (kind) {
    case VolumeFlagKind::kBlank:
      return "blank";
    case VolumeFlagKind::kScout:
      return "scout";
    case VolumeFlagKind::kPhantom:
      return "phantom";
    case VolumeFlagKind::kNotFinite:
      return "not_finite";
  }
  return "";
}

bool VolumeFlags::has(VolumeFlagKind kind) const {
  return std::any_of(
      flags.begin(), flags.end(), [&](const VolumeFlag& flag) { return flag.kind == kind; });
}

VolumeFlags volume_flags(const Volume& volume, Modality modality, std::string_view header_words) {
  if (volume.voxels.empty() ||
      static_cast<std::int64_t>(volume.voxels.size()) != volume.geometry.voxels()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("volume flags: expected the {} voxels of the grid and at least one, "
                            "found {}; read the volume again",
                            volume.geometry.voxels(),
                            volume.voxels.size()));
  }
  VolumeFlags result;
  const auto add = [&](VolumeFlagKind kind, std::optional<std::string> reason) {
    if (reason) {
      result.flags.push_back({kind, std::move(*reason)});
    }
  };
  std::vector<float> finite;
  finite.reserve(volume.voxels.size());
  std::copy_if(
      volume.voxels.begin(), volume.voxels.end(), std::back_inserter(finite), [](float value) {
        return std::isfinite(value);
      });
  const std::size_t broken = volume.voxels.size() - finite.size();
  result.not_finite_share = static_cast<double>(broken) / static_cast<double>(volume.voxels.size());

  add(VolumeFlagKind::kBlank, blank_reason(finite));
  add(VolumeFlagKind::kScout, scout_reason(volume.geometry));
  add(VolumeFlagKind::kPhantom, phantom_reason(volume, modality, header_words));
  if (broken > 0) {
    add(VolumeFlagKind::kNotFinite,
        fmt::format("{} of {} voxels are not finite", broken, volume.voxels.size()));
  }
  return result;
}

}  // namespace marrow
