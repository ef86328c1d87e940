#include "clinical/evaluation/evaluation.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

std::vector<LabelClass> foreground_of(const std::vector<LabelClass>& classes) {
  std::vector<LabelClass> structures;
  std::set<std::int64_t> seen;
  for (const LabelClass& each : classes) {
    if (each.value == 0) {
      continue;
    }
    if (each.value < 0 || each.value > 65535 || !seen.insert(each.value).second) {
      throw Error(ErrorCode::kInvalidArgument,
                  "evaluation: class value " + std::to_string(each.value) +
                      " must be unique and lie in 1 to 65535; check the classes of the data set");
    }
    structures.push_back(each);
  }
  if (structures.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "evaluation: the data set names no class besides the background");
  }
  return structures;
}

EmptyMask emptiness(const OverlapCounts& counts) {
  if (counts.reference == 0) {
    return counts.predicted == 0 ? EmptyMask::kBoth : EmptyMask::kSpurious;
  }
  return counts.predicted == 0 ? EmptyMask::kMissed : EmptyMask::kNone;
}

MetricSummary summary_of(const std::vector<double>& values,
                         const std::vector<std::vector<std::size_t>>& groups,
                         const BootstrapOptions& bootstrap) {
  MetricSummary summary;
  for (const double value : values) {
    summary.mean += value / static_cast<double>(values.size());
  }
  summary.ci95 = bootstrap_mean_interval(values, groups, bootstrap);
  return summary;
}

double foreground_mean(const CaseScore& scored, Metric metric) {
  double sum = 0.0;
  for (const StructureScore& structure : scored.structures) {
    sum += metric_value(structure, metric);
  }
  return sum / static_cast<double>(scored.structures.size());
}

GroupSummary summarise_group(const std::vector<const CaseScore*>& cases,
                             std::size_t structures,
                             const BootstrapOptions& bootstrap) {
  std::vector<std::string> patients;
  for (const CaseScore* each : cases) {
    patients.push_back(each->patient);
  }
  const auto groups = group_by_patient(patients);
  GroupSummary group;
  group.cases = static_cast<std::int64_t>(cases.size());
  group.patients = static_cast<std::int64_t>(groups.size());
  group.structures.resize(structures);
  std::vector<double> values(cases.size());
  for (const Metric metric : kMetrics) {
    for (std::size_t s = 0; s < structures; ++s) {
      for (std::size_t c = 0; c < cases.size(); ++c) {
        values[c] = metric_value(cases[c]->structures[s], metric);
      }
      group.structures[s][metric] = summary_of(values, groups, bootstrap);
    }
    for (std::size_t c = 0; c < cases.size(); ++c) {
      values[c] = foreground_mean(*cases[c], metric);
    }
    group.foreground[metric] = summary_of(values, groups, bootstrap);
  }
  return group;
}

void check_comparable(const Evaluation& a, const Evaluation& b) {
  const auto refuse = [](const std::string& what) {
    throw Error(ErrorCode::kInvalidArgument,
                "comparison: both runs must be evaluated on the same cases, but " + what);
  };
  if (a.cases.size() != b.cases.size()) {
    refuse("they hold " + std::to_string(a.cases.size()) + " and " +
           std::to_string(b.cases.size()) + " cases");
  }
  for (std::size_t c = 0; c < a.cases.size(); ++c) {
    if (a.cases[c].key != b.cases[c].key) {
      refuse("one has case " + printable(a.cases[c].key) + " where the other has " +
             printable(b.cases[c].key));
    }
    if (a.cases[c].patient != b.cases[c].patient) {
      refuse("case " + printable(a.cases[c].key) + " belongs to different patients");
    }
  }
  const bool same_structures = std::equal(a.structures.begin(),
                                          a.structures.end(),
                                          b.structures.begin(),
                                          b.structures.end(),
                                          [](const LabelClass& x, const LabelClass& y) {
                                            return x.value == y.value && x.name == y.name;
                                          });
  if (!same_structures) {
    refuse("their structures differ");
  }
  if (a.options.surface_rule != b.options.surface_rule) {
    refuse("their surface distances follow different definitions (pooled and directed)");
  }
}

PairedDifference difference_of(const std::vector<double>& differences,
                               const std::vector<std::vector<std::size_t>>& groups,
                               const BootstrapOptions& bootstrap) {
  const MetricSummary summary = summary_of(differences, groups, bootstrap);
  PairedDifference result;
  result.mean = summary.mean;
  result.ci95 = summary.ci95;
  result.cases = static_cast<std::int64_t>(differences.size());
  result.patients = static_cast<std::int64_t>(groups.size());
  for (const double difference : differences) {
    result.b_higher += difference > 0.0 ? 1 : 0;
    result.b_lower += difference < 0.0 ? 1 : 0;
    result.equal += difference == 0.0 ? 1 : 0;
  }
  return result;
}

}  // namespace

std::string_view empty_mask_name(EmptyMask empty) {
  switch (empty) {
    case EmptyMask::kBoth:
      return "both";
    case EmptyMask::kMissed:
      return "missed";
    case EmptyMask::kSpurious:
      return "spurious";
    case EmptyMask::kNone:
      break;
  }
  return "none";
}

std::string_view metric_name(Metric metric) {
  switch (metric) {
    case Metric::kDice:
      return "Dice";
    case Metric::kIou:
      return "IoU";
    case Metric::kHd95:
      return "HD95_mm";
    case Metric::kAssd:
      break;
  }
  return "ASSD_mm";
}

double metric_value(const StructureScore& score, Metric metric) {
  switch (metric) {
    case Metric::kDice:
      return score.dice;
    case Metric::kIou:
      return score.iou;
    case Metric::kHd95:
      return score.hd95_mm;
    case Metric::kAssd:
      break;
  }
  return score.assd_mm;
}

CaseScore score_case(const EvaluationCase& item,
                     const std::vector<LabelClass>& classes,
                     const EvaluationOptions& options) {
  MARROW_CHECK(item.reference != nullptr && item.prediction != nullptr);
  const std::string difference =
      geometry_difference(item.reference->geometry, item.prediction->geometry);
  if (!difference.empty()) {
    throw Error(ErrorCode::kRefused,
                "evaluation: case " + printable(item.key) +
                    ": reference and prediction must lie on one grid, but they differ in " +
                    difference + "; predict on the grid of the reference");
  }
  std::vector<std::uint16_t> values;
  for (const LabelClass& each : foreground_of(classes)) {
    values.push_back(static_cast<std::uint16_t>(each.value));
  }
  const auto overlaps = structure_overlaps(*item.reference, *item.prediction, values);
  CaseScore scored{item.key, item.patient, item.facts, {}};
  for (std::size_t s = 0; s < values.size(); ++s) {
    StructureScore score;
    score.counts = overlaps[s].counts;
    score.dice = score.counts.dice();
    score.iou = score.counts.iou();
    score.empty = emptiness(score.counts);
    if (score.empty == EmptyMask::kNone) {
      const SurfaceDistances distances =
          surface_distances(*item.reference, *item.prediction, values[s], overlaps[s].box);
      score.hd95_mm = hd95_mm(distances, options.surface_rule);
      score.assd_mm = assd_mm(distances, options.surface_rule);
    } else if (score.empty != EmptyMask::kBoth) {
      score.hd95_mm = diagonal_mm(item.reference->geometry);
      score.assd_mm = score.hd95_mm;
    }
    scored.structures.push_back(score);
  }
  return scored;
}

Evaluation summarise(std::vector<CaseScore> cases,
                     const std::vector<LabelClass>& classes,
                     const EvaluationOptions& options) {
  if (cases.empty()) {
    throw Error(ErrorCode::kNothingFound, "evaluation: there is no case to score");
  }
  std::sort(cases.begin(), cases.end(), [](const CaseScore& a, const CaseScore& b) {
    return a.key < b.key;
  });
  Evaluation evaluation;
  evaluation.structures = foreground_of(classes);
  evaluation.options = options;
  evaluation.cases = std::move(cases);
  std::vector<const CaseScore*> all;
  std::map<std::string, std::map<std::string, std::vector<const CaseScore*>>> by_fact;
  for (const CaseScore& each : evaluation.cases) {
    if (!all.empty() && all.back()->key == each.key) {
      throw Error(ErrorCode::kInvalidArgument,
                  "evaluation: case " + printable(each.key) + " appears twice");
    }
    MARROW_CHECK(each.structures.size() == evaluation.structures.size());
    all.push_back(&each);
    for (const auto& [fact, value] : each.facts) {
      by_fact[fact][value].push_back(&each);
    }
  }
  const std::size_t structures = evaluation.structures.size();
  evaluation.all = summarise_group(all, structures, options.bootstrap);
  for (const auto& [fact, values] : by_fact) {
    for (const auto& [value, members] : values) {
      evaluation.subgroups[fact][value] = summarise_group(members, structures, options.bootstrap);
    }
  }
  return evaluation;
}

Evaluation evaluate_cases(std::span<const EvaluationCase> items,
                          const std::vector<LabelClass>& classes,
                          const EvaluationOptions& options) {
  std::vector<CaseScore> cases;
  for (const EvaluationCase& item : items) {
    cases.push_back(score_case(item, classes, options));
  }
  return summarise(std::move(cases), classes, options);
}

PairedComparison paired_difference(const Evaluation& a,
                                   const Evaluation& b,
                                   const BootstrapOptions& bootstrap) {
  check_comparable(a, b);
  std::vector<std::string> patients;
  for (const CaseScore& each : a.cases) {
    patients.push_back(each.patient);
  }
  const auto groups = group_by_patient(patients);
  PairedComparison comparison;
  comparison.structures.resize(a.structures.size());
  std::vector<double> differences(a.cases.size());
  for (const Metric metric : kMetrics) {
    for (std::size_t c = 0; c < a.cases.size(); ++c) {
      differences[c] = foreground_mean(b.cases[c], metric) - foreground_mean(a.cases[c], metric);
    }
    comparison.foreground[metric] = difference_of(differences, groups, bootstrap);
    for (std::size_t s = 0; s < a.structures.size(); ++s) {
      for (std::size_t c = 0; c < a.cases.size(); ++c) {
        differences[c] = metric_value(b.cases[c].structures[s], metric) -
                         metric_value(a.cases[c].structures[s], metric);
      }
      comparison.structures[s][metric] = difference_of(differences, groups, bootstrap);
    }
  }
  return comparison;
}

}  // namespace marrow
