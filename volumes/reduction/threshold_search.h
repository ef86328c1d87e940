#pragma once

#include <cstdint>
#include <functional>

#include "volumes/reduction/redundancy_filter.h"

namespace marrow {

struct FoundThreshold {
  double threshold = 0;
  std::int64_t kept = 0;
};

// The threshold whose kept count comes nearest to `wanted`, by bisection: a fair comparison of
// measures gives each as many slices. Greedy selections are not strictly monotone, hence the best
// of all that were tried. `kept_at` counts what a threshold keeps.
[[nodiscard]] FoundThreshold find_threshold(
    const ThresholdScale& scale,
    std::int64_t wanted,
    const std::function<std::int64_t(double threshold)>& kept_at);

}  // namespace marrow
