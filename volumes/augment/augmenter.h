#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"
#include "core/rng.h"
#include "volumes/samplers/sampler.h"
#include "volumes/store/volume_store.h"

namespace marrow {

struct AugmentOptions {
  static constexpr std::string_view kName = "augment";

  bool laterality_sensitive = false;  // true: left and right are never swapped
  double flip = 0.0;                  // probability per axis of flip_axes
  std::vector<std::string> flip_axes = {"left-right"};
  double rotate = 0.0;           // probability of a rotation
  double rotate_degrees = 15.0;  // about every axis (in-plane only for one slice)
  double scale = 0.0;            // probability of a zoom
  std::vector<double> scale_range = {0.85, 1.15};
  double crop = 0.0;  // probability of a random resized crop
  std::vector<double> crop_scale = {0.5, 1.0};
  std::vector<double> crop_ratio = {0.75, 1.333};
  double brightness = 0.0;  // probability; multiplies by a factor in brightness_range
  std::vector<double> brightness_range = {0.8, 1.2};
  double contrast = 0.0;  // probability; stretches about the patch's mean
  std::vector<double> contrast_range = {0.75, 1.25};
  double gamma = 0.0;  // probability
  std::vector<double> gamma_range = {0.7, 1.5};
  double noise = 0.0;                           // probability of Gaussian noise
  double noise_sigma = 0.1;                     // largest standard deviation, in normalised units
  double blur = 0.0;                            // probability of a Gaussian blur
  std::vector<double> blur_sigma = {0.5, 1.0};  // voxels
  double bias_field = 0.0;                      // probability of a smooth multiplicative field (MR)

  std::int64_t randaugment = 0;  // operations per picture; 0: off
  double randaugment_magnitude = 6.0;
  double randaugment_std = 0.5;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("laterality_sensitive",
          laterality_sensitive,
          "true: no augmentation may swap left and right");
    visit("flip", flip, Range{0.0, 1.0}, "probability of a flip, per axis of flip_axes");
    visit("flip_axes",
          flip_axes,
          "axes that may be flipped: left-right, front-back, foot-head; a structure that is told "
          "from "
          "another by where it lies forbids the axis between them");
    visit("rotate", rotate, Range{0.0, 1.0}, "probability of a rotation");
    visit("rotate_degrees", rotate_degrees, Range{0.0, 180.0}, "largest angle about each axis");
    visit("scale", scale, Range{0.0, 1.0}, "probability of a zoom");
    visit("scale_range", scale_range, Range{0.3, 3.0}, "smallest and largest zoom");
    visit("crop",
          crop,
          Range{0.0, 1.0},
          "probability that a random part of the patch is enlarged to the whole patch");
    visit("crop_scale",
          crop_scale,
          Range{0.01, 1.0},
          "smallest and largest share that the part has of the area (one slice) or volume");
    visit("crop_ratio",
          crop_ratio,
          Range{0.1, 10.0},
          "one slice: smallest and largest width over height of the part, as against the patch's; "
          "uniform in its logarithm");
    visit("brightness", brightness, Range{0.0, 1.0}, "probability of a brightness factor");
    visit("brightness_range", brightness_range, Range{0.1, 10.0}, "smallest and largest factor");
    visit("contrast", contrast, Range{0.0, 1.0}, "probability of a stretch about the mean");
    visit("contrast_range", contrast_range, Range{0.1, 10.0}, "smallest and largest stretch");
    visit(
        "gamma", gamma, Range{0.0, 1.0}, "probability of a gamma curve over the patch's own range");
    visit("gamma_range", gamma_range, Range{0.1, 10.0}, "smallest and largest exponent");
    visit("noise", noise, Range{0.0, 1.0}, "probability of Gaussian noise");
    visit("noise_sigma",
          noise_sigma,
          Range{0.0, 10.0},
          "largest standard deviation, normalised units");
    visit("blur", blur, Range{0.0, 1.0}, "probability of a Gaussian blur");
    visit("blur_sigma", blur_sigma, Range{0.1, 5.0}, "smallest and largest sigma, voxels");
    visit(
        "bias_field", bias_field, Range{0.0, 1.0}, "probability of a smooth multiplicative field");
    visit("randaugment",
          randaugment,
          Range{0, 14},
          "operations of RandAugment drawn for an example, as for 2D pictures; each is then left "
          "out with a chance of one half; 0 is off");
    visit("randaugment_magnitude",
          randaugment_magnitude,
          Range{0.0, 10.0},
          "how strong its operations are: 10 is the strongest");
    visit("randaugment_std",
          randaugment_std,
          Range{0.0, 10.0},
          "standard deviation of normal noise added to its magnitude");
  }
};

// One example, ready for the network: channels x k x j x i, i fastest.
struct Example {
  std::vector<float> image;          // channels * voxels
  std::vector<std::uint8_t> labels;  // voxels, or empty
};

// Cuts a patch out of the store and augments it: all spatial changes are composed into one inverse
// map and the patch is interpolated once (linear for the image, nearest for labels), or copied when
// there is none; then RandAugment's operations, one after the other, the same for every channel and
// every slice along k (their moves, of which each interpolates again, take the labels along); then
// one intensity pass. What it does depends on `patch.seed` alone. Thread-safe.
//
// Outside the volume the image is -1 for CT (the floor of the window, air) and, for MR, the
// smallest value read of that channel; labels are 0. Intensity changes are drawn for each channel
// anew. `labels` stays empty when the case has none. Throws Error{kInvalidArgument} when a range of
// `options` is not two numbers, the smaller first.
[[nodiscard]] Example make_example(const VolumeStore& store,
                                   const Patch& patch,
                                   const AugmentOptions& options,
                                   bool with_labels);

}  // namespace marrow
