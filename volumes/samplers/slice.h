#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/config/options.h"
#include "volumes/samplers/sampler.h"

namespace marrow {

struct SliceOptions {
  static constexpr std::string_view kName = "slice";

  double foreground = 0.33;
  double body = 0.5;
  std::string each = "volume";

  template <class Visit>
  void describe(Visit&& visit) {
    visit("foreground",
          foreground,
          Range{0.0, 1.0},
          "share of patches centred on a labelled voxel, where the case has labels");
    visit("body",
          body,
          Range{0.0, 1.0},
          "share of the others that are centred on a voxel of the body; the rest lie anywhere");
    visit("each",
          each,
          OneOf{{"volume", "slice"}},
          "what an epoch visits once: every volume, or every slice (anywhere in its plane)");
  }
};

// 2D patches: boxes one voxel thick along k, with the in-plane size of `patch_size`.
// Throws Error{kInvalidArgument} when patch_size[2] is not 1.
[[nodiscard]] std::unique_ptr<Sampler> make_slice(const ConfigSection& options,
                                                  const SamplerInput& input);

}  // namespace marrow
