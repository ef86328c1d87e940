#pragma once

#include <memory>
#include <string_view>

#include "core/config/options.h"
#include "volumes/samplers/sampler.h"

namespace marrow {

struct LabelPatchOptions {
  static constexpr std::string_view kName = "label_patch";

  double foreground = 0.33;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("foreground",
          foreground,
          Range{0.0, 1.0},
          "share of patches centred on a labelled voxel, classes equally likely; the rest lie "
          "anywhere");
  }
};

// Patches for segmentation: rare classes are seen as often as common ones. The default share is
// that of nnU-Net (Isensee et al. 2021), drawn per patch instead of fixed per batch. A case without
// labelled voxels gives patches anywhere. Throws Error{kInvalidArgument} when no case has a
// labelled voxel and `foreground` is above 0.
[[nodiscard]] std::unique_ptr<Sampler> make_label_patch(const ConfigSection& options,
                                                        const SamplerInput& input);

}  // namespace marrow
