#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clinical/metrics/bootstrap.h"
#include "clinical/probes/feature_set.h"
#include "clinical/probes/probe_metrics.h"
#include "clinical/probes/probe_options.h"

namespace marrow {

// One draw of labelled cases.
struct ProbeDraw {
  std::int64_t encoder = 0;           // see add_encoder()
  std::int64_t number = 0;            // of the draw
  std::vector<std::string> labelled;  // keys of the training cases whose labels were used, sorted
  ScoreTable scores;                  // [M x K], of the test cases of the report
  std::array<std::optional<double>, kProbeMetrics.size()> metrics;  // in the order of kProbeMetrics
  double c = 0;           // linear probe: the C that was used,
  bool c_chosen = false;  // by cross-validation; otherwise c_default, or the only one of the grid
  bool converged = true;
};

struct ProbeSummary {
  ProbeMetric metric = ProbeMetric::kAccuracy;
  std::optional<double> mean;       // over the draws
  std::optional<double> deviation;  // over the draws (n - 1); empty for one
  std::optional<Interval> interval;
};

// One kind of probe at one budget.
struct ProbeResult {
  std::string kind;  // "knn" or "linear"
  LabelBudget budget;
  std::vector<ProbeDraw> draws;       // one where every training case is labelled
  std::vector<ProbeSummary> summary;  // in the order of kProbeMetrics
};

struct ProbeReport {
  std::vector<std::string> keys;  // M test cases, sorted; patients and targets in the same order
  std::vector<std::string> patients;
  ProbeTargets targets;
  std::vector<std::int64_t> unseen;  // classes (findings) of test cases that no training case has
  std::vector<ProbeResult> results;  // budgets in their order, in each the kinds in theirs
};

// Probes frozen features: trains on few-label subsets of `train` (draw_labels()), scores all of
// `test`. Deterministic, and independent of the order of rows.
//
// The interval of a mean is a percentile bootstrap that draws patients of the test part with
// replacement, and in each resample also as many of the draws, since both could have come out
// otherwise; of one draw it tells about test patients alone. (Crossed resampling: Owen 2007, "The
// pigeonhole bootstrap", which finds it a little too wide rather than too narrow.)
//
// A draw that leaves fewer than two classes (no finding with both kinds of cases) to learn from
// scores every class by its share of the labelled cases.
//
// Throws as check_probe_sets() and check_probe() do.
[[nodiscard]] ProbeReport run_probes(const FeatureSet& train,
                                     const FeatureSet& test,
                                     const ProbeOptions& options);

// The same without the summaries, which take longer than the probes where many cases are tested.
[[nodiscard]] ProbeReport score_probes(const FeatureSet& train,
                                       const FeatureSet& test,
                                       const ProbeOptions& options);
// Fills in the summaries of all results, from whatever draws they have.
void summarise_probes(ProbeReport& report, const ProbeOptions& options);

// Puts the draws of another encoder of the same kind (another seed of its training) behind those of
// `report`, whose summaries want to be made again: means are then over encoders, too, and intervals
// also draw as many of the encoders in each resample, whole, with the same draws of labels for
// each: a few seeds of training are few, however often labels are drawn. Throws
// Error{kInvalidArgument} as compare_probes() does.
void add_encoder(ProbeReport& report, const ProbeReport& more);

struct ProbeDifference {
  std::string kind;
  LabelBudget budget;
  ProbeMetric metric = ProbeMetric::kAccuracy;
  std::optional<double> difference;  // mean over draws, `second` minus `first`
  std::optional<Interval> interval;  // paired: the same patients and draws on both sides
};

// Two encoders on the same cases, such as training with and without a reduction: one entry for each
// result and metric. The differences are not corrected for their number.
//
// Throws Error{kInvalidArgument} when the reports differ in test cases, targets, budgets, kinds or
// labelled cases: then a paired difference has no meaning.
[[nodiscard]] std::vector<ProbeDifference> compare_probes(const ProbeReport& first,
                                                          const ProbeReport& second,
                                                          const ProbeOptions& options);

}  // namespace marrow
