#include "clinical/probes/probe.h"

#include <utility>

#include "clinical/probes/knn_probe.h"
#include "clinical/probes/label_draws.h"
#include "clinical/probes/linear_probe.h"
#include "clinical/probes/probe_summary.h"

namespace marrow {

namespace {

bool can_learn(const FeatureSet& labelled) {
  std::int64_t classes = 0;
  for (const auto& rows : rows_of_strata(labelled)) {
    classes += !rows.empty() && (!labelled.multi_label() || rows.size() < labelled.rows()) ? 1 : 0;
  }
  return classes >= (labelled.multi_label() ? 1 : 2);
}

ScoreTable scores_of_shares(const FeatureSet& labelled, std::size_t cases) {
  std::vector<double> shares;
  for (std::int64_t k = 0; k < labelled.classes; ++k) {
    double positives = 0;
    for (std::size_t row = 0; row < labelled.rows(); ++row) {
      positives += labelled.is_positive(row, k) ? 1.0 : 0.0;
    }
    shares.push_back(positives / static_cast<double>(labelled.rows()));
  }
  return ScoreTable(cases, shares);
}

ProbeDraw probe_once(const std::string& kind,
                     const FeatureSet& labelled,
                     const FeatureSet& test,
                     const Standardisation& of_training,
                     const ProbeOptions& options) {
  ProbeDraw draw;
  draw.labelled = labelled.keys;
  if (kind == "knn") {
    draw.scores = knn_scores(labelled, test.features, knn_options(options));
    return draw;
  }
  if (!can_learn(labelled)) {
    draw.scores = scores_of_shares(labelled, test.rows());
    return draw;
  }
  const LinearProbe probe = fit_linear_probe(
      labelled,
      options.statistics == "labelled" ? standardisation_of(labelled.features) : of_training,
      linear_options(options));
  draw.scores = linear_scores(probe, test.features);
  draw.c = probe.c;
  draw.c_chosen = probe.held_out_loss.has_value();
  draw.converged = probe.converged;
  return draw;
}

ProbeReport report_about(const FeatureSet& train, const FeatureSet& test) {
  ProbeReport report;
  report.keys = test.keys;
  report.patients = patient_names(test);
  report.targets = {test.classes, test.labels, test.findings};
  for (std::int64_t k = 0; k < test.classes; ++k) {
    const auto has = [&](const FeatureSet& set) {
      for (std::size_t row = 0; row < set.rows(); ++row) {
        if (set.is_positive(row, k)) {
          return true;
        }
      }
      return false;
    };
    if (has(test) && !has(train)) {
      report.unseen.push_back(k);
    }
  }
  return report;
}

}  // namespace

ProbeReport score_probes(const FeatureSet& train,
                         const FeatureSet& test,
                         const ProbeOptions& options) {
  check_probe(options);
  check_probe_sets(train, test);
  // By key from here on, so that the order in which rows came decides nothing, not even rounding.
  const FeatureSet known = select_rows(train, rows_by_key(train));
  const FeatureSet asked = select_rows(test, rows_by_key(test));
  const Standardisation of_training = standardisation_of(known.features);
  ProbeReport report = report_about(known, asked);
  for (const LabelBudget& budget : label_budgets(options)) {
    std::vector<ProbeResult> results;
    for (const std::string& kind : options.kinds) {
      results.push_back({kind, budget, {}, {}});
    }
    for (std::int64_t draw = 0; draw < options.draws; ++draw) {
      const FeatureSet labelled = select_rows(
          known, draw_labels(known, budget, static_cast<std::uint64_t>(options.seed), draw));
      for (ProbeResult& result : results) {
        result.draws.push_back(probe_once(result.kind, labelled, asked, of_training, options));
        result.draws.back().number = draw;
      }
      if (labelled.rows() == known.rows()) {
        break;  // all others would be the same
      }
    }
    for (ProbeResult& result : results) {
      report.results.push_back(std::move(result));
    }
  }
  return report;
}

void summarise_probes(ProbeReport& report, const ProbeOptions& options) {
  for (ProbeResult& result : report.results) {
    summarise_draws(report, options, result);
  }
}

ProbeReport run_probes(const FeatureSet& train,
                       const FeatureSet& test,
                       const ProbeOptions& options) {
  ProbeReport report = score_probes(train, test, options);
  summarise_probes(report, options);
  return report;
}

}  // namespace marrow
