#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"

namespace marrow {

struct SparkOptions {
  static constexpr std::string_view kName = "spark";

  double mask_ratio = 0.6;
  std::string decoder = "light";
  std::int64_t decoder_width = 0;
  std::vector<std::int64_t> decoder_widths;
  bool normalise_patches = true;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("mask_ratio",
          mask_ratio,
          Range{0.05, 0.95},
          "share of cells hidden; a cell is the encoder's total stride");
    visit("decoder",
          decoder,
          OneOf{{"light", "unet"}},
          "light: SparK's own, thrown away afterwards; unet: that of segmentation, which a "
          "fine-tuning can start from");
    visit("decoder_width",
          decoder_width,
          Range{0, 4096},
          "light: width of the coarsest decoder level; 0: half the encoder's");
    visit("decoder_widths",
          decoder_widths,
          Range{1, 4096},
          "unet: channels of the decoder levels, finest first, as head.widths; empty: those of "
          "the encoder's stages");
    visit("normalise_patches",
          normalise_patches,
          "standardise each target patch by its own mean and variance");
  }
};

}  // namespace marrow
