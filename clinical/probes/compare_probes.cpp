#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "clinical/probes/probe.h"
#include "clinical/probes/probe_summary.h"
#include "core/error.h"

namespace marrow {

namespace {

[[noreturn]] void refuse_comparison(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("compare probes: expected the same {} in both reports, found different "
                          "ones; run both probes on the same cases with the same options",
                          what));
}

void check_same_cases(const ProbeReport& first, const ProbeReport& second) {
  if (first.keys != second.keys || first.patients != second.patients ||
      first.targets != second.targets) {
    refuse_comparison("test cases, patients and labels");
  }
  if (first.results.size() != second.results.size()) {
    refuse_comparison("kinds and budgets");
  }
}

}  // namespace

void add_encoder(ProbeReport& report, const ProbeReport& more) {
  check_same_cases(report, more);
  for (std::size_t n = 0; n < report.results.size(); ++n) {
    ProbeResult& result = report.results[n];
    if (result.kind != more.results[n].kind || result.budget != more.results[n].budget) {
      refuse_comparison("kinds and budgets");
    }
    const std::int64_t encoder = result.draws.empty() ? 0 : result.draws.back().encoder + 1;
    for (const ProbeDraw& draw : more.results[n].draws) {
      result.draws.push_back(draw);
      result.draws.back().encoder = encoder;
    }
    result.summary.clear();
  }
}

std::vector<ProbeDifference> compare_probes(const ProbeReport& first,
                                            const ProbeReport& second,
                                            const ProbeOptions& options) {
  check_same_cases(first, second);
  std::vector<ProbeDifference> differences;
  for (std::size_t n = 0; n < first.results.size(); ++n) {
    const ProbeResult& one = first.results[n];
    const ProbeResult& other = second.results[n];
    if (one.kind != other.kind || one.budget != other.budget) {
      refuse_comparison("kinds and budgets");
    }
    if (!std::equal(one.draws.begin(),
                    one.draws.end(),
                    other.draws.begin(),
                    other.draws.end(),
                    [](const ProbeDraw& a, const ProbeDraw& b) {
                      return a.labelled == b.labelled && a.encoder == b.encoder;
                    })) {
      refuse_comparison("draws of labelled cases");
    }
    const std::vector<ProbeScores> base = prepared_scores(first, one);
    const std::vector<ProbeScores> changed = prepared_scores(second, other);
    for (const ProbeMetric metric : kProbeMetrics) {
      const DrawValue value_of = [&](std::size_t draw,
                                     std::span<const double> counts) -> std::optional<double> {
        const auto before = base[draw].measure(metric, counts);
        const auto after = changed[draw].measure(metric, counts);
        return before && after ? std::optional(*after - *before) : std::nullopt;
      };
      ProbeDifference result{one.kind, one.budget, metric, std::nullopt, std::nullopt};
      result.difference = mean_over_draws(base.size(), first.keys.size(), value_of);
      if (result.difference) {
        result.interval = interval_of_mean(first, one.draws, options, value_of);
      }
      differences.push_back(std::move(result));
    }
  }
  return differences;
}

}  // namespace marrow
