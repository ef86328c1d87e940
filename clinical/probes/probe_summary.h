#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "clinical/metrics/bootstrap.h"
#include "clinical/probes/probe.h"

// What run_probes() and compare_probes() share.
namespace marrow {

// A value of draw number `draw` on a resample of the test cases, given by how often each is in it.
using DrawValue =
    std::function<std::optional<double>(std::size_t draw, std::span<const double> counts)>;

// On the test cases as they are, over the draws that have a value.
[[nodiscard]] std::optional<double> mean_over_draws(std::size_t draws,
                                                    std::size_t cases,
                                                    const DrawValue& value_of);

// Of that mean, over patients, draws and encoders: see run_probes() and add_encoder().
[[nodiscard]] std::optional<Interval> interval_of_mean(const ProbeReport& report,
                                                       const std::vector<ProbeDraw>& draws,
                                                       const ProbeOptions& options,
                                                       const DrawValue& value_of);

// One for each draw of `result`.
[[nodiscard]] std::vector<ProbeScores> prepared_scores(const ProbeReport& report,
                                                       const ProbeResult& result);

// Fills the metrics of the draws of `result`, and its summary.
void summarise_draws(const ProbeReport& report, const ProbeOptions& options, ProbeResult& result);

}  // namespace marrow
