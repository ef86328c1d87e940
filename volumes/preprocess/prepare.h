#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "core/case.h"
#include "core/records.h"
#include "core/volume_source.h"
#include "volumes/preprocess/recipe.h"

namespace marrow {

struct PrepareResult {
  std::int64_t volumes = 0;    // cases now in the store, earlier ones included
  std::uint64_t bytes_in = 0;  // voxels read x their size in memory
  std::uint64_t bytes_store = 0;
  double seconds = 0;
  std::vector<Issue> issues;  // refused cases: label geometry differs, unreadable, not finite, ...
};

// Cases -> store at `folder`, resuming what an interrupted run left. Refuses one case at a time
// (listed in `issues`); throws Error{kNothingFound} when none could be prepared,
// Error{kInterrupted} on a signal. `classes`: what voxels of label maps may hold; empty: anything.
[[nodiscard]] PrepareResult prepare(std::span<const Case> cases,
                                    VolumeSource& source,
                                    const RecipeOptions& recipe,
                                    const std::filesystem::path& folder,
                                    std::int64_t threads,
                                    std::span<const LabelClass> classes = {});

}  // namespace marrow
