#include "clinical/metrics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "clinical/metrics/surface_distance.h"
#include "core/error.h"
#include "core/rng.h"

namespace marrow {

namespace {

double normal_probability(double z) {
  return 0.5 * std::erfc(-z / std::sqrt(2.0));
}

// Inverse by bisection: called a handful of times, so simplicity wins over a rational
// approximation.
double normal_quantile(double p) {
  double low = -10.0;
  double high = 10.0;
  for (int i = 0; i < 80; ++i) {
    const double middle = 0.5 * (low + high);
    (normal_probability(middle) < p ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

std::vector<std::size_t> cases_without(const std::vector<std::vector<std::size_t>>& groups,
                                       std::size_t left_out) {
  std::vector<std::size_t> cases;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (g != left_out) {
      cases.insert(cases.end(), groups[g].begin(), groups[g].end());
    }
  }
  return cases;
}

// Efron 1987, equation 6.8: from the third and second moments of the jackknife values.
double acceleration(const std::vector<std::vector<std::size_t>>& groups,
                    const std::function<double(std::span<const std::size_t>)>& statistic) {
  std::vector<double> values;
  double mean = 0.0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    values.push_back(statistic(cases_without(groups, g)));
    mean += values.back() / static_cast<double>(groups.size());
  }
  double square = 0.0;
  double cube = 0.0;
  for (const double value : values) {
    const double d = mean - value;
    square += d * d;
    cube += d * d * d;
  }
  return square > 0.0 ? cube / (6.0 * std::pow(square, 1.5)) : 0.0;
}

}  // namespace

std::vector<std::vector<std::size_t>> group_by_patient(const std::vector<std::string>& patients) {
  std::map<std::string, std::vector<std::size_t>> by_name;
  for (std::size_t c = 0; c < patients.size(); ++c) {
    by_name[patients[c]].push_back(c);
  }
  std::vector<std::vector<std::size_t>> groups;
  for (auto& [name, cases] : by_name) {
    groups.push_back(std::move(cases));
  }
  return groups;
}

std::optional<Interval> bootstrap_interval(
    const std::vector<std::vector<std::size_t>>& groups,
    const std::function<double(std::span<const std::size_t>)>& statistic,
    const BootstrapOptions& options) {
  if (options.resamples < 1 || !(options.level > 0.0 && options.level < 1.0)) {
    throw Error(ErrorCode::kInvalidArgument,
                "bootstrap: expected at least one resample and a level between 0 and 1");
  }
  if (groups.size() < 2) {
    return std::nullopt;
  }
  Rng rng(options.seed, "bootstrap", {});
  std::vector<double> draws;
  draws.reserve(static_cast<std::size_t>(options.resamples));
  std::vector<std::size_t> cases;
  for (std::int64_t r = 0; r < options.resamples; ++r) {
    cases.clear();
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const auto& group =
          groups[static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(groups.size())))];
      cases.insert(cases.end(), group.begin(), group.end());
    }
    const double drawn = statistic(cases);
    if (!std::isnan(drawn)) {
      draws.push_back(drawn);
    }
  }
  if (2 * static_cast<std::int64_t>(draws.size()) < options.resamples) {
    return std::nullopt;
  }
  double low = (1.0 - options.level) / 2.0;
  double high = 1.0 - low;
  if (options.rule == BootstrapRule::kBca) {
    const double estimate = statistic(cases_without(groups, groups.size()));
    double below = 0.0;
    for (const double draw : draws) {
      below += draw < estimate ? 1.0 : (draw == estimate ? 0.5 : 0.0);
    }
    // Half a draw away from 0 and 1, where the correction would be infinite.
    const auto n = static_cast<double>(draws.size());
    const double bias = normal_quantile(std::clamp(below, 0.5, n - 0.5) / n);
    const double a = acceleration(groups, statistic);
    const auto corrected = [&](double p) {
      const double z = bias + normal_quantile(p);
      return normal_probability(bias + z / (1.0 - a * z));
    };
    low = corrected(low);
    high = corrected(high);
  }
  return Interval{percentile(draws, 100.0 * low), percentile(draws, 100.0 * high)};
}

std::optional<Interval> bootstrap_mean_interval(const std::vector<double>& values,
                                                const std::vector<std::vector<std::size_t>>& groups,
                                                const BootstrapOptions& options) {
  return bootstrap_interval(
      groups,
      [&](std::span<const std::size_t> cases) {
        double sum = 0.0;
        for (const std::size_t c : cases) {
          sum += values[c];
        }
        return sum / static_cast<double>(cases.size());
      },
      options);
}

}  // namespace marrow
