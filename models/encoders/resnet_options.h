#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/config/options.h"

namespace marrow {

struct ResnetOptions {
  static constexpr std::string_view kName = "resnet";

  std::int64_t dimensions = 3;
  std::int64_t input_channels = 1;
  std::int64_t depth = 50;
  std::int64_t width = 64;
  std::int64_t last_stride = 2;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("dimensions", dimensions, Range{2, 3}, "2 for slices, 3 for volumes");
    visit("input_channels", input_channels, Range{1, 64}, "image channels");
    visit("depth", depth, Range{10, 101}, "10, 18, 34, 50 or 101 layers");
    visit("width", width, Range{8, 256}, "channels of the stem");
    visit("last_stride",
          last_stride,
          Range{1, 2},
          "1 keeps the last stage at the stride of the one before");
  }
};

}  // namespace marrow
