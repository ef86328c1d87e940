#pragma once

#include <cstdint>
#include <string_view>

#include "core/config/options.h"

namespace marrow {

struct MaeOptions {
  static constexpr std::string_view kName = "mae";

  double mask_ratio = 0.75;
  std::int64_t decoder_width = 384;
  std::int64_t decoder_depth = 2;
  std::int64_t decoder_heads = 16;
  bool normalise_patches = true;
  double min_patch_std = 0;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("mask_ratio",
          mask_ratio,
          Range{0.05, 0.99},
          "share of patches hidden; what stays visible is rounded down");
    visit("decoder_width", decoder_width, Range{8, 4096}, "features of a token of the decoder");
    visit("decoder_depth", decoder_depth, Range{1, 48}, "transformer blocks of the decoder");
    visit("decoder_heads",
          decoder_heads,
          Range{1, 128},
          "attention heads of the decoder; they divide its width");
    visit("normalise_patches",
          normalise_patches,
          "standardise each target patch by its own mean and variance");
    visit("min_patch_std",
          min_patch_std,
          Range{0.0, 1e6},
          "hidden patches with a smaller standard deviation do not count in the loss (air is noise "
          "once it is standardised); 0: all count");
  }
};

}  // namespace marrow
