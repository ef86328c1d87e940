#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"

namespace marrow {

struct ConvnextOptions {
  static constexpr std::string_view kName = "convnext";

  std::int64_t dimensions = 3;
  std::int64_t input_channels = 1;
  std::string size = "tiny";
  std::vector<std::int64_t> depths;
  std::vector<std::int64_t> dims;
  std::int64_t kernel = 0;
  std::int64_t stem_stride = 4;
  double layer_scale = 1e-6;
  double drop_path = 0.0;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("dimensions", dimensions, Range{2, 3}, "2 for slices, 3 for volumes");
    visit("input_channels", input_channels, Range{1, 64}, "image channels");
    visit("size",
          size,
          OneOf{{"tiny", "small", "base", "custom"}},
          "blocks and channels of the stages: 3, 3, 9, 3 and 96 to 768; 3, 3, 27, 3 and 96 to 768; "
          "3, 3, 27, 3 and 128 to 1024; custom: those of depths and dims");
    visit("depths", depths, Range{1, 64}, "custom: blocks of each stage, finest first");
    visit("dims", dims, Range{1, 4096}, "custom: channels of each stage, finest first");
    visit("kernel",
          kernel,
          Range{0, 31},
          "edge of the depth-wise convolutions, odd; 0: 7 in 2D, 5 in 3D");
    visit("stem_stride",
          stem_stride,
          Range{2, 4},
          "kernel and stride of the stem, 4 or 2; with 2 and four stages the total stride is 16");
    visit("layer_scale",
          layer_scale,
          Range{0.0, 1.0},
          "first value of the factor per channel on each block's branch; 0: no such factor");
    visit("drop_path",
          drop_path,
          Range{0.0, 0.9},
          "rate at which the last block leaves out its branch in training; rises from 0 in the "
          "first");
  }
};

}  // namespace marrow
