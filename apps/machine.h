#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "apps/checks.h"

namespace marrow {

// Processor, threads, memory, disk of `work`, GPU, library versions.
[[nodiscard]] std::vector<Check> machine_checks(const std::filesystem::path& work,
                                                std::int64_t threads);

}  // namespace marrow
