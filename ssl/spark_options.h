#pragma once

#include <cstdint>
#include <string_view>

#include "core/config/options.h"

namespace marrow {

struct SparkOptions {
  static constexpr std::string_view kName = "spark";

  double mask_ratio = 0.6;
  std::int64_t decoder_width = 0;
  bool normalise_patches = true;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("mask_ratio",
          mask_ratio,
          Range{0.05, 0.95},
          "share of cells hidden; a cell is the encoder's total stride");
    visit("decoder_width",
          decoder_width,
          Range{0, 4096},
          "width of the coarsest decoder level; 0: half the encoder's");
    visit("normalise_patches",
          normalise_patches,
          "standardise each target patch by its own mean and variance");
  }
};

}  // namespace marrow
