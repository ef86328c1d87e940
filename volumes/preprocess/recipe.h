#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"
#include "core/volume.h"

namespace marrow {

// How a volume is turned into network input: travels in the store, in every checkpoint and in
// encoder/preprocessor.json, and is enforced at fine-tuning and prediction.
struct RecipeOptions {
  static constexpr std::string_view kName = "prepare";

  std::string modality = "mr";     // "ct" | "mr"
  std::vector<double> spacing_mm;  // target spacing along L, P, S; empty: the volume's own
  std::int64_t fit_size = 0;       // voxels of the longer side in the plane of L and P; 0: off
  std::vector<double> window_hu = {
      -1000, 1000};  // CT: clipped to this window, then scaled to [0, 1] -> z-scored by
                     // the window's centre and half width, giving [-1, 1]
  double lower_percentile =
      0.5;  // MR: robust range, computed over the body (voxels above Otsu's threshold)
  double upper_percentile = 99.5;
  bool crop_to_body = false;  // drop the empty border around the body

  template <class Visit>
  void describe(Visit&& visit) {
    visit("modality",
          modality,
          OneOf{{"ct", "mr"}},
          "ct: fixed HU window; mr: robust z-score of each volume");
    visit("spacing_mm",
          spacing_mm,
          Range{0.05, 50.0},
          "target spacing along L, P, S in mm; empty keeps the volume's own");
    visit("fit_size",
          fit_size,
          Range{0, 8192},
          "for pictures, which have no spacing: voxels of the longer side in the plane of "
          "left-right and front-back, the other in proportion; 0 is off; excludes spacing_mm");
    visit("window_hu",
          window_hu,
          Range{-32768.0, 32767.0},
          "CT window: low and high in HU, mapped to -1 and 1");
    visit("lower_percentile",
          lower_percentile,
          Range{0.0, 49.0},
          "MR: values below this percentile are clipped");
    visit("upper_percentile",
          upper_percentile,
          Range{51.0, 100.0},
          "MR: values above this percentile are clipped");
    visit("crop_to_body", crop_to_body, "leave out the empty border around the body");
  }
};

// 16 hex digits; equal recipes, equal digest. Written as JSON with a "version"; a fit_size of 0 is
// left out, so that recipes from before there was one keep their bytes and digest.
[[nodiscard]] std::string recipe_digest(const RecipeOptions& recipe);
[[nodiscard]] std::string recipe_to_json(const RecipeOptions& recipe);
[[nodiscard]] RecipeOptions recipe_from_json(std::string_view json);
// Empty when equal, else a phrase naming the first field that differs with both values.
[[nodiscard]] std::string recipe_difference(const RecipeOptions& a, const RecipeOptions& b);

// A volume on the network's grid, with what is needed to go back.
struct PreparedVolume {
  Volume volume;    // canonical orientation (axes along +L, +P, +S as near as the grid allows),
                    // target spacing, normalised
  Geometry source;  // the grid of the input
};

// Canonical orientation, resampling in mm with antialiasing, intensity normalisation.
// Deterministic.
[[nodiscard]] PreparedVolume prepare_volume(const Volume& input, const RecipeOptions& recipe);
// The same grid for a label map (nearest neighbour; `grid` is PreparedVolume::volume.geometry).
[[nodiscard]] LabelMap prepare_labels(const LabelMap& input, const Geometry& grid);
// A label map on the prepared grid back onto the input's own grid, voxel for voxel, nearest
// neighbour.
[[nodiscard]] LabelMap labels_to_source(const LabelMap& prepared, const Geometry& source);
// A map of scores on the prepared grid back onto the source grid, linear; outside the prepared
// grid: `outside`.
[[nodiscard]] Volume scores_to_source(const Volume& prepared,
                                      const Geometry& source,
                                      float outside);

}  // namespace marrow
