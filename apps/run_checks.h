#pragma once

#include <filesystem>
#include <vector>

#include "apps/checks.h"

namespace marrow {

// Whether the files of a run folder are readable, undamaged and of one run: configuration,
// manifest and the digests in it, checkpoints, metrics, the exported encoder. Writes nothing. A run
// that has not ended is judged by what there is. Throws Error{kNothingFound} when the folder is no
// run.
[[nodiscard]] std::vector<Check> run_checks(const std::filesystem::path& run);

}  // namespace marrow
