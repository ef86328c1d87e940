#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"

namespace marrow {

struct VitOptions {
  static constexpr std::string_view kName = "vit";

  std::int64_t dimensions = 3;
  std::int64_t input_channels = 1;
  std::string size = "small";
  std::int64_t width = 384;
  std::int64_t depth = 12;
  std::int64_t heads = 6;
  std::vector<std::int64_t> patch = {16};
  std::string positions = "fixed";
  std::vector<std::int64_t> image_size;
  bool class_token = true;
  std::string pool = "mean";
  double drop_path = 0;
  double layer_scale = 0;
  std::vector<std::int64_t> feature_blocks;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("dimensions", dimensions, Range{2, 3}, "2 for slices, 3 for volumes");
    visit("input_channels", input_channels, Range{1, 64}, "image channels");
    visit("size",
          size,
          OneOf{{"tiny", "small", "base", "large", "custom"}},
          "tiny: width 192, 12 blocks, 3 heads; small: 384, 12, 6; base: 768, 12, 12; large: 1024, "
          "24, 16; custom: width, depth and heads");
    visit("width", width, Range{8, 8192}, "custom: features of a token");
    visit("depth", depth, Range{1, 128}, "custom: blocks");
    visit("heads", heads, Range{1, 128}, "custom: attention heads; they divide the width");
    visit("patch",
          patch,
          Range{1, 256},
          "voxels of a patch per axis (depth, height, width), or one number for all");
    visit("positions",
          positions,
          OneOf{{"fixed", "learned"}},
          "fixed: sines and cosines of the place, made for the grid of each input; learned: "
          "interpolated where an input has another grid than image_size");
    visit("image_size",
          image_size,
          Range{1, 8192},
          "voxels per axis, or one number for all, of the input that the position embedding is "
          "made for; empty: 224 in 2D, 96 in 3D");
    visit("class_token", class_token, "put a token of its own before those of the patches");
    visit("pool",
          pool,
          OneOf{{"mean", "class"}},
          "what a linear head sees: the mean over the patches, or the class token");
    visit("drop_path",
          drop_path,
          Range{0.0, 0.9},
          "chance that the last block leaves out a branch in training; rises from 0 in the first");
    visit("layer_scale",
          layer_scale,
          Range{0.0, 1.0},
          "first value of a learned factor per channel on each branch; 0: none");
    visit("feature_blocks",
          feature_blocks,
          Range{1, 128},
          "blocks whose outputs are the maps, from 1, ending with the last; empty: four evenly "
          "spaced ones");
  }
};

}  // namespace marrow
