#pragma once

#include <memory>
#include <string_view>

#include "core/config/options.h"
#include "volumes/samplers/sampler.h"

namespace marrow {

struct BodyPatchOptions {
  static constexpr std::string_view kName = "body_patch";

  double body = 1.0;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("body",
          body,
          Range{0.0, 1.0},
          "share of patches centred on a voxel of the body; the rest lie anywhere");
  }
};

// Patches centred on a random voxel of the body mask, moved inwards at the border of the volume so
// that the voxel stays in the box. A case without a body mask gives patches anywhere.
[[nodiscard]] std::unique_ptr<Sampler> make_body_patch(const ConfigSection& options,
                                                       const SamplerInput& input);

}  // namespace marrow
