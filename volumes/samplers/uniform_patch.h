#pragma once

#include <memory>
#include <string_view>

#include "core/config/options.h"
#include "volumes/samplers/sampler.h"

namespace marrow {

struct UniformPatchOptions {
  static constexpr std::string_view kName = "uniform_patch";

  template <class Visit>
  void describe(Visit&&) {}
};

// Patches anywhere in the volume, each place equally likely. No options.
[[nodiscard]] std::unique_ptr<Sampler> make_uniform_patch(const ConfigSection& options,
                                                          const SamplerInput& input);

}  // namespace marrow
