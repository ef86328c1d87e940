#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace marrow {

// What run_ab_study returned, as lines for a person.
[[nodiscard]] std::string ab_text(const nlohmann::json& result);

}  // namespace marrow
