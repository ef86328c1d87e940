#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "clinical/report/ab_input.h"

namespace marrow {

struct CommandContext;

// What the result of a comparison does not say about itself.
struct AbPageFacts {
  std::int64_t planned_seeds = 0;
  std::string config_yaml;  // of pretraining and comparison, resolved
};

// The numbers of ab.json; null becomes NaN, and what is not named here is not read.
[[nodiscard]] AbInput ab_input(const nlohmann::json& result);

// ab.html of a result of `run_ab_study`, with how it was called.
[[nodiscard]] std::string ab_page_of(const CommandContext& context,
                                     const nlohmann::json& result,
                                     const AbPageFacts& facts);

}  // namespace marrow
