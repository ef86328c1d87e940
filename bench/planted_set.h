#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/records.h"
#include "core/rng.h"
#include "core/volume.h"
#include "core/volume_source.h"

namespace marrow {

// Copies of a scan with one known change each, as archives hold them. The amounts are in one place,
// PlantedAmounts.
enum class PlantedChange {
  kNoise,     // another dose, another average
  kGamma,     // another presentation curve
  kShift,     // another field of view
  kWindow,    // exported through a narrow window of 256 grey values
  kCrop,      // margins cut off
  kReexport,  // DICOM to NIfTI in RAS order, by our writer and our reader
  kSharpen,   // stands for another reconstruction kernel
};

inline constexpr std::array kPlantedChanges = {PlantedChange::kNoise,
                                               PlantedChange::kGamma,
                                               PlantedChange::kShift,
                                               PlantedChange::kWindow,
                                               PlantedChange::kCrop,
                                               PlantedChange::kReexport,
                                               PlantedChange::kSharpen};

[[nodiscard]] std::string_view planted_name(PlantedChange change);

struct PlantedAmounts {
  double noise_hu = 10, noise_share = 0.01;   // sigma: CT; others, of the range below
  double range_low = 0.5, range_high = 99.5;  // percentiles of a volume's range
  double gamma_low = 0.8, gamma_high = 1.25;  // one of the two, by lot
  std::int64_t shift_voxels = 1;              // along each axis
  double window_low_hu = -160, window_high_hu = 240;
  double window_low = 2, window_high = 98;  // percentiles, where there are no HU
  double crop_share = 0.1;                  // of each side's length, half of it at either end
  double sharpen = 1;                       // times the difference to the 3 x 3 binomial mean
};

struct PlantedCopy {
  Volume volume;
  // Index in the copy's grid of the original's first voxel, along each axis; absent where the axes
  // are others, and slices keep their anatomical places.
  std::optional<std::array<std::int64_t, 3>> moved = std::array<std::int64_t, 3>{0, 0, 0};
};

// Changed voxels are rounded where those of the original are whole numbers, as files store them.
// `source` reads the file that kReexport writes.
[[nodiscard]] PlantedCopy planted_copy(const Volume& original,
                                       Modality modality,
                                       PlantedChange change,
                                       const PlantedAmounts& amounts,
                                       Rng rng,
                                       VolumeSource& source);

}  // namespace marrow
