#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/checks.h"

namespace marrow {

// What is known of a run before its parts are looked at; whatever could not be read is empty.
struct RunFiles {
  std::filesystem::path folder;
  std::string config_yaml;
  nlohmann::json manifest = nlohmann::json::object();

  [[nodiscard]] bool finished() const { return manifest.contains("finished_utc"); }

  [[nodiscard]] std::string word(const char* key) const { return manifest.value(key, ""); }
};

// Throws Error{kUnreadable}: what a check that failed says.
[[noreturn]] void run_is_damaged(const std::string& sentence);

// The checks of what holds weights: checkpoints, the best one, the exported encoder.
[[nodiscard]] std::vector<Check> weight_checks(const RunFiles& run);

}  // namespace marrow
