#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/case.h"
#include "core/reduction.h"
#include "volumes/samplers/sampler.h"

namespace marrow {

struct CommandContext;

// The name under which the catalogue keeps what was decided about a data set.
[[nodiscard]] std::string collection_of(const Dataset& dataset);

// What `marrow reduce` decided in --work about a collection; nothing without a catalogue or a
// decision.
[[nodiscard]] std::optional<Reduction> decided_reduction(const CommandContext& context,
                                                         const std::string& collection);

struct ReductionUse {
  std::int64_t dropped_cases = 0;
  std::int64_t slices = 0, kept_slices = 0;  // of the cases whose slices count
  std::int64_t other_plane = 0;              // cases whose slice decisions do not apply
  std::string digest;                        // of the decision
};

// Takes the cases that are left out from `input`, and with `slices` tells it which slices are left.
// Throws Error{kNothingFound} when no case is left.
[[nodiscard]] ReductionUse use_reduction(const Reduction& reduction,
                                         bool slices,
                                         SamplerInput& input);

}  // namespace marrow
