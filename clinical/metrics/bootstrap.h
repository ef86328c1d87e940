#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace marrow {

struct Interval {
  double low = 0.0;
  double high = 0.0;
};

enum class BootstrapRule { kPercentile, kBca };

struct BootstrapOptions {
  std::int64_t resamples = 2000;
  double level = 0.95;
  std::uint64_t seed = 17;
  BootstrapRule rule = BootstrapRule::kPercentile;
};

// Cases of each patient, patients in order of their names: what is drawn with replacement, because
// cases of one patient are not independent.
[[nodiscard]] std::vector<std::vector<std::size_t>> group_by_patient(
    const std::vector<std::string>& patients);

// Bootstrap interval of `statistic(cases)`, which is given the cases (with repetitions) of the
// drawn patients. Same seed and groups, same interval. Empty when there are fewer than two
// patients: one patient says nothing about others.
//
// A resample on which the statistic is NaN is left out (an AUROC without positive cases, of which a
// few among many are drawn now and then); empty when more than half of them are.
//
// Throws Error{kInvalidArgument} for resamples < 1 or a level outside (0, 1).
// Sources: Efron 1979 (percentile); Efron 1987 (BCa: bias from the share of resamples below the
// estimate, acceleration from leaving out one patient at a time).
[[nodiscard]] std::optional<Interval> bootstrap_interval(
    const std::vector<std::vector<std::size_t>>& groups,
    const std::function<double(std::span<const std::size_t>)>& statistic,
    const BootstrapOptions& options);

// Of the mean of `values`, one per case.
[[nodiscard]] std::optional<Interval> bootstrap_mean_interval(
    const std::vector<double>& values,
    const std::vector<std::vector<std::size_t>>& groups,
    const BootstrapOptions& options);

}  // namespace marrow
