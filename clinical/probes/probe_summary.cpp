#include "clinical/probes/probe_summary.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/rng.h"

namespace marrow {

namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

std::optional<double> mean_of(const std::vector<double>& values) {
  if (values.empty()) {
    return std::nullopt;
  }
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

std::vector<double> values_of_draws(std::size_t draws,
                                    std::size_t cases,
                                    const DrawValue& value_of) {
  const std::vector<double> once(cases, 1.0);
  std::vector<double> values;
  for (std::size_t draw = 0; draw < draws; ++draw) {
    if (const std::optional<double> value = value_of(draw, once)) {
      values.push_back(*value);
    }
  }
  return values;
}

// How often each of `count` is drawn in as many draws with replacement.
std::vector<double> drawn_times(std::int64_t count, Rng& rng) {
  std::vector<double> times(static_cast<std::size_t>(count), 0.0);
  for (std::int64_t n = 0; n < count; ++n) {
    times[static_cast<std::size_t>(rng.below(count))] += 1.0;
  }
  return times;
}

}  // namespace

std::optional<double> mean_over_draws(std::size_t draws,
                                      std::size_t cases,
                                      const DrawValue& value_of) {
  return mean_of(values_of_draws(draws, cases, value_of));
}

std::optional<Interval> interval_of_mean(const ProbeReport& report,
                                         const std::vector<ProbeDraw>& draws,
                                         const ProbeOptions& options,
                                         const DrawValue& value_of) {
  std::int64_t encoders = 0, numbers = 0;
  for (const ProbeDraw& draw : draws) {
    encoders = std::max(encoders, draw.encoder + 1);
    numbers = std::max(numbers, draw.number + 1);
  }
  const auto groups = group_by_patient(report.patients);
  const auto seed = static_cast<std::uint64_t>(options.seed);
  Rng rng(seed, "probe_draws", {});
  std::vector<double> counts(report.keys.size());
  const auto statistic = [&](std::span<const std::size_t> cases) {
    std::fill(counts.begin(), counts.end(), 0.0);
    for (const std::size_t n : cases) {
      counts[n] += 1.0;
    }
    const std::vector<double> of_number = drawn_times(numbers, rng);
    const std::vector<double> of_encoder =
        encoders > 1 ? drawn_times(encoders, rng) : std::vector<double>{1.0};
    double sum = 0;
    double counted = 0;
    for (std::size_t n = 0; n < draws.size(); ++n) {
      const double times = of_number[static_cast<std::size_t>(draws[n].number)] *
                           of_encoder[static_cast<std::size_t>(draws[n].encoder)];
      const auto value = times > 0 ? value_of(n, counts) : std::nullopt;
      sum += value ? times * *value : 0.0;
      counted += value ? times : 0.0;
    }
    return counted > 0 ? sum / counted : kUndefined;
  };
  return bootstrap_interval(
      groups, statistic, {options.resamples, options.level, seed, BootstrapRule::kPercentile});
}

std::vector<ProbeScores> prepared_scores(const ProbeReport& report, const ProbeResult& result) {
  std::vector<ProbeScores> prepared;
  for (const ProbeDraw& draw : result.draws) {
    prepared.emplace_back(report.targets, draw.scores);
  }
  return prepared;
}

void summarise_draws(const ProbeReport& report, const ProbeOptions& options, ProbeResult& result) {
  const std::vector<ProbeScores> prepared = prepared_scores(report, result);
  result.summary.clear();
  for (std::size_t m = 0; m < kProbeMetrics.size(); ++m) {
    const ProbeMetric metric = kProbeMetrics[m];
    for (std::size_t draw = 0; draw < prepared.size(); ++draw) {
      result.draws[draw].metrics[m] = prepared[draw].measure(metric);
    }
    const DrawValue value_of = [&](std::size_t draw, std::span<const double> counts) {
      return prepared[draw].measure(metric, counts);
    };
    const std::vector<double> values =
        values_of_draws(prepared.size(), report.keys.size(), value_of);
    ProbeSummary summary{metric, mean_of(values), std::nullopt, std::nullopt};
    if (values.size() > 1) {
      double square = 0;
      for (const double value : values) {
        square += (value - *summary.mean) * (value - *summary.mean);
      }
      summary.deviation = std::sqrt(square / static_cast<double>(values.size() - 1));
    }
    if (summary.mean) {
      summary.interval = interval_of_mean(report, result.draws, options, value_of);
    }
    result.summary.push_back(summary);
  }
}

}  // namespace marrow
