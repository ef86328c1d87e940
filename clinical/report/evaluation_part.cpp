#include "clinical/report/evaluation_part.h"

#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "clinical/evaluation/evaluation.h"
#include "clinical/evaluation/summary.h"
#include "core/error.h"
#include "core/files.h"

namespace marrow {

namespace {

std::optional<Evaluation> read_evaluation(const std::filesystem::path& run) {
  const std::filesystem::path file = run / "evaluation" / "summary.json";
  if (run.empty() || !std::filesystem::exists(file)) {
    return std::nullopt;
  }
  try {
    return summary_from_json(read_text(file));
  } catch (const Error& error) {
    throw Error(error.code(), "report: " + run.string() + ": " + error.what());
  }
}

Estimate estimate_of(const MetricSummary& summary) {
  Estimate estimate{summary.mean};
  if (summary.ci95) {
    estimate.low = summary.ci95->low;
    estimate.high = summary.ci95->high;
  }
  return estimate;
}

Estimate estimate_of(const PairedDifference& difference) {
  Estimate estimate{difference.mean};
  if (difference.ci95) {
    estimate.low = difference.ci95->low;
    estimate.high = difference.ci95->high;
  }
  return estimate;
}

std::string interval_words(const BootstrapOptions& options) {
  return fmt::format("{} % interval, {} bootstrap over patients, {} draws",
                     number_text(options.level * 100, 2),
                     options.rule == BootstrapRule::kBca ? "BCa" : "percentile",
                     count_text(options.resamples));
}

double mean_dice(const CaseScore& scored) {
  double sum = 0;
  for (const StructureScore& structure : scored.structures) {
    sum += structure.dice;
  }
  return sum / static_cast<double>(scored.structures.size());
}

std::vector<Estimate> row_of(const std::map<Metric, MetricSummary>& summary) {
  return {estimate_of(summary.at(Metric::kDice)), estimate_of(summary.at(Metric::kHd95))};
}

ReportScores score_tables(const Evaluation& evaluation) {
  const bool pooled = evaluation.options.surface_rule == SurfaceRule::kPooled;
  ReportScores table;
  table.metrics = {{"Dice", "", "overlap of volumes, 0 to 1", true},
                   {"HD95",
                    "mm",
                    pooled ? "95th percentile of the surface distances of both directions pooled"
                           : "larger of the two directed 95th percentiles of surface distances",
                    false}};
  table.interval = interval_words(evaluation.options.bootstrap);
  table.empty_policy = std::string(kEmptyPolicy);
  for (std::size_t s = 0; s < evaluation.structures.size(); ++s) {
    table.structures.push_back({evaluation.structures[s].name,
                                row_of(evaluation.all.structures[s]),
                                evaluation.all.cases});
  }
  if (evaluation.structures.size() > 1) {
    table.mean = ReportStructureRow{
        "mean of structures", row_of(evaluation.all.foreground), evaluation.all.cases};
  }
  for (const CaseScore& scored : evaluation.cases) {
    ReportCaseRow row;
    row.key = scored.key;
    row.mean = mean_dice(scored);
    for (const StructureScore& structure : scored.structures) {
      row.scores.push_back({structure.dice, structure.hd95_mm});
    }
    table.cases.push_back(std::move(row));
  }
  return table;
}

std::vector<ReportSubgroup> subgroup_rows(const Evaluation& evaluation) {
  std::vector<ReportSubgroup> rows;
  for (const auto& [name, values] : evaluation.subgroups) {
    for (const auto& [value, group] : values) {
      rows.push_back(
          {name + ": " + value, group.cases, estimate_of(group.foreground.at(Metric::kDice))});
    }
  }
  return rows;
}

ReportComparison comparison_of(const Evaluation& run,
                               const Evaluation& scratch,
                               const std::optional<Estimate>& given) {
  const BootstrapOptions bootstrap = run.options.bootstrap;
  const PairedDifference difference =
      paired_difference(scratch, run, bootstrap).foreground.at(Metric::kDice);
  ReportComparison comparison;
  comparison.difference = given ? *given : estimate_of(difference);
  comparison.method = fmt::format("paired bootstrap over {} patients, {} draws",
                                  count_text(difference.patients),
                                  count_text(bootstrap.resamples));
  for (std::size_t i = 0; i < run.cases.size(); ++i) {
    comparison.pairs.push_back(
        {run.cases[i].key, mean_dice(run.cases[i]), mean_dice(scratch.cases[i])});
  }
  return comparison;
}

std::string cards_note(const Evaluation& evaluation) {
  return fmt::format("{} cases of {} patients, mean of {} structure{}",
                     count_text(evaluation.all.cases),
                     count_text(evaluation.all.patients),
                     evaluation.structures.size(),
                     evaluation.structures.size() == 1 ? "" : "s");
}

}  // namespace

void add_evaluation(const ReportSources& sources, ReportInput& input) {
  const std::optional<Evaluation> run = read_evaluation(sources.run);
  if (!run) {
    return;
  }
  input.classes = run->structures;
  input.classes.insert(input.classes.begin(), {0, "background"});
  input.scores = score_tables(*run);
  input.subgroups = subgroup_rows(*run);
  const Estimate mean = estimate_of(run->all.foreground.at(Metric::kDice));
  const std::optional<Evaluation> scratch = read_evaluation(sources.scratch);
  if (!scratch) {
    input.cards = {{"Mean Dice", mean, CardFormat::kScore, "", cards_note(*run)},
                   {"HD95",
                    estimate_of(run->all.foreground.at(Metric::kHd95)),
                    CardFormat::kScore,
                    "mm",
                    "distance between surfaces; smaller is better"}};
    return;
  }
  input.comparison = comparison_of(*run, *scratch, sources.difference);
  input.cards = {{"Mean Dice, with pretraining", mean, CardFormat::kScore, "", cards_note(*run)},
                 {"Mean Dice, from scratch",
                  estimate_of(scratch->all.foreground.at(Metric::kDice)),
                  CardFormat::kScore,
                  "",
                  "the same network and cases, without pretraining"},
                 {"Difference",
                  input.comparison->difference,
                  CardFormat::kDifference,
                  "",
                  input.comparison->method}};
}

}  // namespace marrow
