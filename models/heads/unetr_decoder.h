#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/config/options.h"

namespace marrow {

class Head;
struct HeadInput;

struct UnetrDecoderOptions {
  static constexpr std::string_view kName = "unetr_decoder";

  std::int64_t width = 16;  // as UNETR
  std::int64_t convs = 2;
  std::string norm = "instance";
  std::string activation = "leaky_relu";

  template <class Visit>
  void describe(Visit&& visit) {
    visit("width",
          width,
          Range{1, 512},
          "channels on the grid of the input; twice as many on each coarser level");
    visit("convs", convs, Range{1, 8}, "convolutions of each decoder level");
    visit("norm", norm, OneOf{{"instance", "batch"}}, "normalisation after each convolution");
    visit("activation",
          activation,
          OneOf{{"leaky_relu", "relu"}},
          "activation after each normalisation; leaky_relu has slope 0.01");
  }
};

// Segmentation from the maps of a vision transformer, 2D or 3D, which all have one size. The last
// map is doubled in size level by level up to the grid of the input; the map before it is brought
// to the first level by a transposed convolution, the one before that to the second by two, and so
// on, and stands there beside what comes from below. Each level ends with `convs` convolutions of
// kernel 3, the last with a 1x1 convolution to `classes` logits.
//
// An axis along which the patch is shorter reaches the input's grid at a coarser level and is not
// doubled further, as U-Nets treat thick slices.
//
// Throws Error{kInvalidArgument} unless all stages have one stride, a power of two along each axis
// and more than 1 along one; `logits` throws it when the maps are not those of the stages.
//
// Source: Hatamizadeh et al. 2022 (UNETR), without its skip connection from the image itself, which
// a head does not see.
[[nodiscard]] std::shared_ptr<Head> make_unetr_decoder(const UnetrDecoderOptions& options,
                                                       const HeadInput& input);

}  // namespace marrow
