#include "volumes/reduction/threshold_search.h"

#include <cmath>
#include <cstdlib>
#include <optional>

namespace marrow {

namespace {

constexpr int kMostSteps = 30;

}  // namespace

FoundThreshold find_threshold(const ThresholdScale& scale,
                              std::int64_t wanted,
                              const std::function<std::int64_t(double)>& kept_at) {
  std::optional<FoundThreshold> best;
  const auto attempt = [&](double threshold) {
    const std::int64_t kept = kept_at(threshold);
    if (!best || std::llabs(kept - wanted) < std::llabs(best->kept - wanted)) {
      best = FoundThreshold{threshold, kept};
    }
    return kept;
  };
  double low = scale.low, high = scale.high;
  attempt(low);
  attempt(high);
  for (int step = 0; step < kMostSteps && best->kept != wanted; ++step) {
    double middle = 0.5 * (low + high);
    if (scale.whole) {
      middle = std::floor(middle);
      if (high - low <= 1) {
        break;
      }
    }
    const bool too_many = attempt(middle) > wanted;
    (too_many == scale.larger_keeps_more ? high : low) = middle;
  }
  return *best;
}

}  // namespace marrow
