#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/volume.h"

namespace marrow {

// Otsu's threshold (the split of a 256-bin histogram with the largest variance between its two
// sides) between the 0.1 and the 99.9 percentile of `values`, and the mean of either side.
struct OtsuSplit {
  double threshold = 0;
  double low_mean = 0;
  double high_mean = 0;
  double low_end = 0;  // the percentiles
  double high_end = 0;
};

// Throws Error{kInvalidArgument} on no values or values that are not finite. All values equal:
// every field is that value.
[[nodiscard]] OtsuSplit otsu_split(std::span<const float> values);

// Where the patient is: 1 in the body, 0 in the air around it; one value per voxel of `volume`
// (finite, canonical orientation). The largest 6-connected part above Otsu's threshold, with what
// each axial slice encloses (lungs, ventricles) filled in.
//
// A volume cut out of tissue shows no air: where the darker side of the split is more than a
// quarter as bright as the other (both above the 0.1 percentile), everything is body. Crops of the
// brain lie near 0.4, volumes with air below 0.16.
[[nodiscard]] std::vector<std::uint8_t> body_mask(const Volume& volume);

}  // namespace marrow
