#include "bench/planted_set.h"

#include <algorithm>
#include <cmath>

#include "core/files.h"
#include "io/nifti/nifti.h"
#include "volumes/preprocess/intensity.h"
#include "volumes/preprocess/orientation.h"

namespace marrow {

namespace {

struct Ends {
  double low = 0, high = 0;
};

Ends percentiles(const Volume& volume, double low, double high) {
  std::vector<float> values(volume.voxels.begin(), volume.voxels.end());
  return {percentile(values, low), percentile(values, high)};
}

bool whole_numbers(const Volume& volume) {
  return std::all_of(volume.voxels.begin(), volume.voxels.end(), [](float value) {
    return value == std::nearbyint(value) && std::abs(value) <= 32767;
  });
}

template <class Change>
void each_voxel(Volume& volume, const Change& change) {
  const bool whole = whole_numbers(volume);
  for (float& value : volume.voxels) {
    const double changed = change(static_cast<double>(value));
    value = static_cast<float>(whole ? std::nearbyint(changed) : changed);
  }
}

void add_noise(Volume& volume, double sigma, Rng& rng) {
  each_voxel(volume, [&](double value) { return value + sigma * rng.normal(); });
}

void apply_gamma(Volume& volume, const Ends& ends, double gamma) {
  each_voxel(volume, [&](double value) {
    if (!(ends.high > ends.low) || value <= ends.low || value >= ends.high) {
      return value;
    }
    return ends.low +
           (ends.high - ends.low) * std::pow((value - ends.low) / (ends.high - ends.low), gamma);
  });
}

void apply_window(Volume& volume, const Ends& ends) {
  const double step = std::max((ends.high - ends.low) / 255, 1e-30);
  for (float& value : volume.voxels) {
    const double inside = std::clamp(static_cast<double>(value), ends.low, ends.high);
    value = static_cast<float>(ends.low + step * std::nearbyint((inside - ends.low) / step));
  }
}

// The part of the grid from `first` on, `size` voxels long; what lies outside repeats the edge.
Volume box(const Volume& volume, const std::array<std::int64_t, 3>& first, const Size3& size) {
  const Geometry& grid = volume.geometry;
  const Eigen::Vector3d corner(
      static_cast<double>(first[0]), static_cast<double>(first[1]), static_cast<double>(first[2]));
  Volume made =
      make_grid<float>(make_geometry(size, grid.spacing, grid.to_physical(corner), grid.direction));
  const auto inside = [&](std::size_t axis, std::int64_t n) {
    return std::clamp<std::int64_t>(n + first[axis], 0, grid.size[axis] - 1);
  };
  std::size_t at = 0;
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i) {
        made.voxels[at++] = volume.at(inside(0, i), inside(1, j), inside(2, k));
      }
    }
  }
  return made;
}

// Unsharp masking within planes of i and j.
Volume sharpened(const Volume& volume, double amount) {
  Volume blurred = volume;
  const Size3& size = volume.geometry.size;
  for (const std::size_t axis : {std::size_t{0}, std::size_t{1}}) {
    const Volume from = blurred;
    const std::int64_t step = axis == 0 ? 1 : size[0];
    for (std::int64_t n = 0; n < volume.geometry.voxels(); ++n) {
      const std::int64_t place = n / step % size[axis];
      const auto value = [&](std::int64_t at) { return from.voxels[static_cast<std::size_t>(at)]; };
      const float before = value(place > 0 ? n - step : n);
      const float after = value(place + 1 < size[axis] ? n + step : n);
      blurred.voxels[static_cast<std::size_t>(n)] = (before + 2 * value(n) + after) / 4;
    }
  }
  Volume made = volume;
  std::size_t at = 0;
  each_voxel(made, [&](double value) {
    return value + amount * (value - static_cast<double>(blurred.voxels[at++]));
  });
  return made;
}

Volume reexported(const Volume& volume, VolumeSource& source) {
  // Canonical axes run to L, P, S; NIfTI programs bring volumes to R, A, S.
  Volume turned = reoriented(volume, canonical_moves(volume.geometry));
  AxisMoves to_ras;
  to_ras.flipped = {true, true, false};
  turned = reoriented(std::move(turned), to_ras);
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "copy.nii.gz";
  if (whole_numbers(turned)) {
    write_nifti_int16(file, turned);
  } else {
    write_nifti(file, turned);
  }
  return source.volume({"copy", {file}});
}

}  // namespace

std::string_view planted_name(PlantedChange change) {
  constexpr std::array<std::string_view, kPlantedChanges.size()> kNames = {
      "noise", "gamma", "shift", "window", "crop", "re-export", "sharpen"};
  return kNames.at(static_cast<std::size_t>(change));
}

PlantedCopy planted_copy(const Volume& original,
                         Modality modality,
                         PlantedChange change,
                         const PlantedAmounts& amounts,
                         Rng rng,
                         VolumeSource& source) {
  const bool ct = modality == Modality::kCt;
  const auto range = [&] {
    return ct ? Ends{-1000, 1000} : percentiles(original, amounts.range_low, amounts.range_high);
  };
  const Size3& size = original.geometry.size;
  PlantedCopy copy;
  switch (change) {
    case PlantedChange::kNoise: {
      const Ends ends = range();
      copy.volume = original;
      add_noise(
          copy.volume, ct ? amounts.noise_hu : amounts.noise_share * (ends.high - ends.low), rng);
      break;
    }
    case PlantedChange::kGamma:
      copy.volume = original;
      apply_gamma(copy.volume, range(), rng.chance(0.5) ? amounts.gamma_low : amounts.gamma_high);
      break;
    case PlantedChange::kShift: {
      const std::int64_t by = amounts.shift_voxels;
      copy.volume = box(original, {-by, -by, -by}, size);
      copy.moved = {by, by, by};
      break;
    }
    case PlantedChange::kWindow:
      copy.volume = original;
      apply_window(copy.volume,
                   ct ? Ends{amounts.window_low_hu, amounts.window_high_hu}
                      : percentiles(original, amounts.window_low, amounts.window_high));
      break;
    case PlantedChange::kCrop: {
      std::array<std::int64_t, 3> first{};
      Size3 left = size;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        const auto cut = static_cast<std::int64_t>(
            std::lround(amounts.crop_share * static_cast<double>(size[axis])));
        first[axis] = cut / 2;
        left[axis] -= cut;
      }
      copy.volume = box(original, first, left);
      copy.moved = {-first[0], -first[1], -first[2]};
      break;
    }
    case PlantedChange::kReexport:
      copy.volume = reexported(original, source);
      copy.moved = std::nullopt;
      break;
    case PlantedChange::kSharpen:
      copy.volume = sharpened(original, amounts.sharpen);
      break;
  }
  return copy;
}

}  // namespace marrow
