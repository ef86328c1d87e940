#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"

namespace marrow {

struct ResencUnetOptions {
  static constexpr std::string_view kName = "resenc_unet";

  std::int64_t dimensions = 3;
  std::int64_t input_channels = 1;
  std::vector<std::int64_t> features = {32, 64, 128, 256};
  std::vector<std::int64_t> strides = {1, 2, 2, 2};
  std::vector<std::int64_t> blocks = {1, 2, 2, 2};
  std::int64_t stem_stride = 1;
  std::string norm = "instance";
  std::int64_t norm_groups = 8;
  bool conv_bias = false;
  double drop_path = 0.0;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("dimensions", dimensions, Range{2, 3}, "2 for slices, 3 for volumes");
    visit("input_channels", input_channels, Range{1, 64}, "image channels");
    visit("features", features, Range{1, 2048}, "channels of each stage, finest first");
    visit("strides",
          strides,
          Range{1, 4},
          "downsampling at the start of each stage, the same along every axis");
    visit("blocks",
          blocks,
          Range{0, 32},
          "residual blocks of each stage; 0 in the first: the stem alone is its map");
    visit("stem_stride",
          stem_stride,
          Range{1, 4},
          "downsampling by the stem convolution; nnU-Net has 1, 2 is several times cheaper");
    visit("norm", norm, OneOf{{"instance", "batch", "group", "layer"}}, "norm layer");
    visit("norm_groups",
          norm_groups,
          Range{1, 1024},
          "groups of the group norm; must divide the channels of every stage");
    visit("conv_bias",
          conv_bias,
          "give the convolutions a bias (without effect under a norm; for weight compatibility)");
    visit("drop_path",
          drop_path,
          Range{0.0, 0.9},
          "rate at which the last block leaves out its branch in training; rises from 0 in the "
          "first");
  }
};

}  // namespace marrow
