#include "models/training/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace marrow {

double warmup_cosine(std::int64_t step,
                     std::int64_t total,
                     std::int64_t warmup,
                     double peak,
                     double start,
                     double end) {
  if (step < warmup) {
    return start * peak +
           (1 - start) * peak * static_cast<double>(step) / static_cast<double>(warmup);
  }
  const auto length = static_cast<double>(std::max<std::int64_t>(1, total - 1 - warmup));
  const double share = std::min(1.0, static_cast<double>(step - warmup) / length);
  return end * peak + (1 - end) * peak * (0.5 + 0.5 * std::cos(std::numbers::pi * share));
}

double cosine_between(std::int64_t step, std::int64_t total, double first, double last) {
  const auto length = static_cast<double>(std::max<std::int64_t>(1, total - 1));
  const double share = std::min(1.0, static_cast<double>(step) / length);
  return last + (first - last) * (0.5 + 0.5 * std::cos(std::numbers::pi * share));
}

}  // namespace marrow
