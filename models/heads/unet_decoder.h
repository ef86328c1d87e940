#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/options.h"

namespace marrow {

class Head;
struct HeadInput;

struct UnetDecoderOptions {
  static constexpr std::string_view kName = "unet_decoder";

  std::int64_t convs = 1;            // as nnU-Net's residual-encoder plans
  std::vector<std::int64_t> widths;  // finest first
  std::string norm = "instance";
  std::string activation = "leaky_relu";
  bool deep_supervision = true;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("convs", convs, Range{1, 8}, "convolutions of each decoder level");
    visit("widths",
          widths,
          Range{1, 4096},
          "channels of the decoder levels, finest first; empty: those of the encoder's stages");
    visit("norm", norm, OneOf{{"instance", "batch"}}, "normalisation after each convolution");
    visit("activation",
          activation,
          OneOf{{"leaky_relu", "relu"}},
          "activation after each normalisation; leaky_relu has slope 0.01");
    visit("deep_supervision",
          deep_supervision,
          "in training, also score the coarser levels (all but the coarsest)");
  }
};

// The decoder of a U-Net over an encoder's stages, 2D or 3D, with any stride per axis: from the
// coarsest map upwards, a transposed convolution (kernel = stride), the stage's own map beside it,
// `convs` convolutions of kernel 3, and a 1x1 convolution to `classes` logits. Where the finest
// stage is itself coarser than the input, one more level without a skip connection brings it to the
// input's grid. Maps that the encoder rounded up or down are cut or repeated at the far border to
// fit.
//
// `widths` has one entry for each stage but the coarsest, plus one in front for that extra level.
// Throws Error{kInvalidArgument} when the stages are no pyramid (each stride a multiple of the
// finer one's) or `widths` has another length; `logits` throws it when the maps are not those of
// the stages.
//
// Sources: Ronneberger et al. 2015; Isensee et al. 2021 (nnU-Net: instance norm, leaky ReLU, deep
// supervision).
[[nodiscard]] std::shared_ptr<Head> make_unet_decoder(const UnetDecoderOptions& options,
                                                      const HeadInput& input);

}  // namespace marrow
