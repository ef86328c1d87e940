#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "core/geometry.h"
#include "core/rng.h"
#include "volumes/augment/augmenter.h"

namespace marrow {

// A smooth multiplicative field exp(p(x, y, z)): p is a cubic polynomial without constant term over
// coordinates that run from -1 to 1 across the patch, as coil sensitivity varies over an MR volume.
struct BiasField {
  // Of x^a y^b z^c with 1 <= a + b + c <= 3, in the order of bias_field_powers().
  std::array<float, 19> coefficients{};
};

[[nodiscard]] const std::array<std::array<int, 3>, 19>& bias_field_powers();

// The strongest |p| within the patch lies between 0.05 and 0.3, i.e. gains between 0.74 and 1.35;
// BrainWeb's "40 %" inhomogeneity is 0.8 to 1.2.
[[nodiscard]] BiasField draw_bias_field(const Size3& size, Rng& rng);

// The intensity part of one augmentation of one channel; defaults change nothing.
struct IntensityChange {
  std::optional<BiasField> bias_field;
  double blur_sigma = 0;   // voxels
  double noise_sigma = 0;  // normalised units
  std::uint64_t noise_key = 0;
  double brightness = 1;
  double contrast = 1;
  double gamma = 1;
};

[[nodiscard]] IntensityChange draw_intensity(const AugmentOptions& options,
                                             const Size3& size,
                                             std::uint64_t seed,
                                             std::int64_t channel);

// In the order in which a scanner does: bias field, blur, noise, brightness, contrast, gamma.
// `values` is one channel of a patch, i fastest.
void change_intensity(std::span<float> values, const Size3& size, const IntensityChange& change);

// ---- the parts
// -----------------------------------------------------------------------------------------------------

// Multiplies the height above the patch's smallest value, so that background stays background in
// z-scored data.
void multiply_bias_field(std::span<float> values, const Size3& size, const BiasField& field);

// Separable, kernel cut at three sigma and normalised, border values repeated; not along an axis of
// one voxel.
void blur(std::span<float> values, const Size3& size, double sigma);

// Adds sigma times standard normals that depend on (key, voxel) alone.
void add_noise(std::span<float> values, double sigma, std::uint64_t key);

// brightness * x, then stretched by `contrast` about the mean.
void scale_and_stretch(std::span<float> values, double brightness, double contrast);

// x -> x^gamma on the patch's own range, then mean and standard deviation put back as they were, as
// nnU-Net does with retain_stats (Isensee et al. 2021). A constant patch is left alone.
void bend_gamma(std::span<float> values, double gamma);

}  // namespace marrow
