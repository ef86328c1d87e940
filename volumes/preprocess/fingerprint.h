#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/volume.h"

namespace marrow {

// What a data set is like before anything is done to it, as nnU-Net's dataset_fingerprint.json says
// it: spacing, size, and intensities of the foreground, sampled per case so that every case counts
// alike. Axes come in nnU-Net's order: k, j, i.
class DatasetFingerprint {
 public:
  // Of every case as many foreground voxels as fit a common memory, at most kMostSamples, drawn
  // with replacement; what is drawn depends on the case's key alone.
  static constexpr std::int64_t kMostSamples = 10'000;

  // `cases`: how many will be added, at least 1.
  explicit DatasetFingerprint(std::int64_t cases);

  // `channels` lie on one grid (and `labels`, too, when there are any). Foreground is where the
  // label is above 0, without labels the body (body_mask.h) of the first channel. The size is that
  // of the box of voxels at which any channel is not 0, as nnU-Net crops before it plans. Voxels
  // that are not finite must have been replaced.
  void add(const std::string& key, std::vector<Volume> channels, const LabelMap* labels);

  [[nodiscard]] std::int64_t cases() const { return static_cast<std::int64_t>(spacings_.size()); }

  // Of one channel, over the samples of all cases; standard deviation of the population,
  // percentiles interpolated as numpy does. All 0 when no case has foreground.
  struct Intensities {
    double max = 0, mean = 0, median = 0, min = 0, percentile_00_5 = 0, percentile_99_5 = 0,
           std = 0;
  };

  [[nodiscard]] std::vector<Intensities> intensities() const;
  [[nodiscard]] double median_relative_size() const;               // after cropping, of 1
  [[nodiscard]] std::array<double, 3> median_spacing() const;      // k, j, i in mm
  [[nodiscard]] std::array<std::int64_t, 3> median_shape() const;  // k, j, i, after cropping
  // dataset_fingerprint.json: keys `spacings`, `shapes_after_crop`,
  // `foreground_intensity_properties_per_channel`, `median_relative_size_after_cropping`.
  [[nodiscard]] std::string json() const;

 private:
  std::int64_t samples_per_case_;
  std::vector<std::array<double, 3>> spacings_;
  std::vector<std::array<std::int64_t, 3>> shapes_;
  std::vector<double> relative_sizes_;
  std::vector<std::vector<float>> samples_;  // by channel
};

}  // namespace marrow
