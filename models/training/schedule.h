#pragma once

#include <cstdint>

namespace marrow {

// Linear warm-up from `start` x peak, then a half cosine to `end` x peak at the last step. With
// start = 0.005 and end = 0.001 the schedule of SparK's official code; `steps` counts from 0 to
// total - 1.
//
// Source: METHODS of SparK (Tian et al. 2023): it < w: s*p + (1-s)*p*it/w, else e*p +
// (1-e)*p*(0.5+0.5*cos(pi*(it-w)/(T-1-w))).
[[nodiscard]] double warmup_cosine(std::int64_t step,
                                   std::int64_t total,
                                   std::int64_t warmup,
                                   double peak,
                                   double start,
                                   double end);

// From `first` to `last` along a half cosine over steps 0 .. total - 1.
[[nodiscard]] double cosine_between(std::int64_t step,
                                    std::int64_t total,
                                    double first,
                                    double last);

}  // namespace marrow
