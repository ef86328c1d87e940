#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"

namespace marrow {

struct ResnetOptions {
  static constexpr std::string_view kName = "resnet";

  std::int64_t dimensions = 3;
  std::int64_t input_channels = 1;
  std::int64_t depth = 50;
  std::int64_t width = 64;
  std::vector<std::int64_t> stem_stride = {2};
  std::int64_t last_stride = 2;
  std::string norm = "batch";
  std::int64_t norm_groups = 8;
  double drop_path = 0.0;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("dimensions", dimensions, Range{2, 3}, "2 for slices, 3 for volumes");
    visit("input_channels", input_channels, Range{1, 64}, "image channels");
    visit("depth", depth, Range{10, 101}, "10, 18, 34, 50 or 101 layers");
    visit("width", width, Range{8, 256}, "channels of the stem");
    visit("stem_stride",
          stem_stride,
          Range{1, 4},
          "of the first convolution: one number for every axis, or one for each; [1, 2, 2] suits "
          "slices more than 2.5 times as thick as their pixels");
    visit("last_stride",
          last_stride,
          Range{1, 2},
          "1 keeps the last stage at the stride of the one before");
    visit("norm",
          norm,
          OneOf{{"batch", "instance", "group", "layer"}},
          "norm layer; its parameters keep torchvision's names");
    visit("norm_groups",
          norm_groups,
          Range{1, 1024},
          "groups of the group norm; must divide the channels of every layer");
    visit("drop_path",
          drop_path,
          Range{0.0, 0.9},
          "rate at which the last block leaves out its branch in training; rises from 0 in the "
          "first");
  }
};

}  // namespace marrow
