#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace marrow {

// One line of `doctor`, `verify` and `audit`.
struct Check {
  std::string name;
  bool ok = true;
  std::string detail;  // one phrase: what was found, and when not ok what to do
};

// Processor, threads, memory, disk of `work`, GPU, library versions.
[[nodiscard]] std::vector<Check> machine_checks(const std::filesystem::path& work,
                                                std::int64_t threads);

}  // namespace marrow
