#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

namespace marrow {

// Throws Error{kUnreadable} with the place for what is no JSON.
[[nodiscard]] nlohmann::json read_json_file(const std::filesystem::path& file);

}  // namespace marrow
