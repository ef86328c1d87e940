#include "clinical/evaluation/classification_evaluation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

std::size_t argmax(const std::vector<double>& row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

void check(const std::vector<ClassifiedCase>& cases, std::size_t classes) {
  if (cases.empty()) {
    throw Error(ErrorCode::kNothingFound, "evaluate: there are no cases to score");
  }
  for (std::size_t n = 0; n < cases.size(); ++n) {
    const ClassifiedCase& one = cases[n];
    if (one.targets.size() != classes || one.scores.size() != classes ||
        !std::all_of(one.scores.begin(), one.scores.end(), [](double score) {
          return std::isfinite(score);
        })) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("evaluate: case \"{}\" needs {} targets and finite scores",
                              printable(one.key),
                              classes));
    }
    if (n > 0 && cases[n - 1].key == one.key) {
      throw Error(ErrorCode::kInvalidArgument,
                  "evaluate: there are two cases called \"" + printable(one.key) + "\"");
    }
  }
}

ProbeTargets targets_of(const std::vector<ClassifiedCase>& cases, bool multi_label) {
  ProbeTargets targets;
  targets.classes = std::ssize(cases.front().targets);
  for (const ClassifiedCase& one : cases) {
    if (multi_label) {
      targets.findings.emplace_back(one.targets.begin(), one.targets.end());
    } else {
      targets.labels.push_back(static_cast<std::int64_t>(argmax(one.targets)));
    }
  }
  return targets;
}

// What was predicted of class `k`.
bool predicted(const ClassifiedCase& one, std::size_t k, bool multi_label) {
  return multi_label ? one.scores[k] >= 0.5 : argmax(one.scores) == k;
}

std::optional<double> share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? std::nullopt
                    : std::optional(static_cast<double>(part) / static_cast<double>(whole));
}

class Scorer {
 public:
  Scorer(const std::vector<ClassifiedCase>& cases, const BootstrapOptions& bootstrap)
      : cases_(cases), bootstrap_(bootstrap) {
    std::vector<std::string> patients;
    for (const ClassifiedCase& one : cases) {
      // No patient is called so: keys are unique.
      patients.push_back(one.patient.empty() ? "\n" + one.key : one.patient);
    }
    groups_ = group_by_patient(patients);
  }

  [[nodiscard]] std::int64_t patients() const { return std::ssize(groups_); }

  // `statistic` is given how often each case was drawn; NaN: it has no value there.
  [[nodiscard]] std::optional<Interval> interval(
      const std::function<double(const std::vector<double>&)>& statistic) const {
    return bootstrap_interval(
        groups_,
        [&](std::span<const std::size_t> drawn) {
          std::vector<double> counts(cases_.size(), 0.0);
          for (const std::size_t n : drawn) {
            counts[n] += 1;
          }
          return statistic(counts);
        },
        bootstrap_);
  }

  [[nodiscard]] Measured measure(const ProbeScores& scores, ProbeMetric metric) const {
    return {scores.measure(metric), interval([&](const std::vector<double>& counts) {
              return scores.measure(metric, counts).value_or(std::nan(""));
            })};
  }

  [[nodiscard]] Measured auroc_of(std::size_t k) const {
    // One finding is a set of findings of one column.
    ProbeTargets targets;
    targets.classes = 1;
    ScoreTable scores;
    for (const ClassifiedCase& one : cases_) {
      targets.findings.push_back({one.targets[k] > 0 ? 1 : 0});
      scores.push_back({one.scores[k]});
    }
    return measure(ProbeScores(targets, scores), ProbeMetric::kMacroAuroc);
  }

 private:
  const std::vector<ClassifiedCase>& cases_;
  BootstrapOptions bootstrap_;
  std::vector<std::vector<std::size_t>> groups_;
};

ProbeScores probe_scores(const std::vector<ClassifiedCase>& cases, bool multi_label) {
  ScoreTable scores;
  for (const ClassifiedCase& one : cases) {
    scores.push_back(one.scores);
  }
  return {targets_of(cases, multi_label), scores};
}

void check_same_cases(const ClassificationEvaluation& a, const ClassificationEvaluation& b) {
  const auto same_class = [](const ClassScore& x, const ClassScore& y) { return x.name == y.name; };
  const auto same_case = [](const ClassifiedCase& x, const ClassifiedCase& y) {
    return x.key == y.key && x.patient == y.patient && x.targets == y.targets;
  };
  if (a.multi_label != b.multi_label || !std::ranges::equal(a.classes, b.classes, same_class)) {
    throw Error(ErrorCode::kInvalidArgument,
                "evaluation: the two classifiers know different classes, so there is no difference "
                "to measure; compare runs that were fine-tuned on the same classes");
  }
  if (!std::ranges::equal(a.cases, b.cases, same_case)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("evaluation: the two classifiers were not scored on the same cases ({} "
                            "and {} cases); evaluate both with the same --data and --split",
                            a.cases.size(),
                            b.cases.size()));
  }
}

ClassScore score_class(const std::vector<ClassifiedCase>& cases,
                       std::size_t k,
                       bool multi_label,
                       const Scorer& scorer) {
  ClassScore score;
  std::int64_t right = 0;
  std::int64_t wrong = 0;
  for (const ClassifiedCase& one : cases) {
    const bool is = one.targets[k] > 0;
    const bool said = predicted(one, k, multi_label);
    score.positives += is ? 1 : 0;
    right += is && said ? 1 : 0;
    wrong += !is && said ? 1 : 0;
  }
  const std::int64_t others = std::ssize(cases) - score.positives;
  score.sensitivity = share(right, score.positives);
  score.specificity = share(others - wrong, others);
  score.f1 = share(2 * right, score.positives + right + wrong).value_or(0);
  score.auroc = scorer.auroc_of(k);
  return score;
}

nlohmann::ordered_json number(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json interval(const std::optional<Interval>& value) {
  return value ? nlohmann::ordered_json({value->low, value->high})
               : nlohmann::ordered_json(nullptr);
}

}  // namespace

ClassificationEvaluation evaluate_classification(std::vector<ClassifiedCase> cases,
                                                 const std::vector<std::string>& names,
                                                 bool multi_label,
                                                 const BootstrapOptions& bootstrap) {
  std::sort(cases.begin(), cases.end(), [](const ClassifiedCase& a, const ClassifiedCase& b) {
    return a.key < b.key;
  });
  check(cases, names.size());
  ClassificationEvaluation evaluation;
  evaluation.multi_label = multi_label;
  const Scorer scorer(cases, bootstrap);
  evaluation.patients = scorer.patients();
  const ProbeScores all = probe_scores(cases, multi_label);
  for (const ProbeMetric metric : kProbeMetrics) {
    evaluation.measures.push_back(scorer.measure(all, metric));
  }
  for (std::size_t k = 0; k < names.size(); ++k) {
    evaluation.classes.push_back(score_class(cases, k, multi_label, scorer));
    evaluation.classes.back().name = names[k];
    if (!evaluation.classes.back().auroc.value) {
      evaluation.without_auroc.push_back(names[k]);
    }
  }
  if (!multi_label) {
    evaluation.confusion.assign(names.size(), std::vector<std::int64_t>(names.size(), 0));
    for (const ClassifiedCase& one : cases) {
      ++evaluation.confusion[argmax(one.targets)][argmax(one.scores)];
    }
  }
  evaluation.cases = std::move(cases);
  return evaluation;
}

Measured paired_difference(const ClassificationEvaluation& a,
                           const ClassificationEvaluation& b,
                           ProbeMetric metric,
                           const BootstrapOptions& bootstrap) {
  check_same_cases(a, b);
  check(a.cases, a.classes.size());
  check(b.cases, b.classes.size());
  const ProbeScores scores_a = probe_scores(a.cases, a.multi_label);
  const ProbeScores scores_b = probe_scores(b.cases, b.multi_label);
  const std::optional<double> of_a = scores_a.measure(metric);
  const std::optional<double> of_b = scores_b.measure(metric);
  if (!of_a || !of_b) {
    return {};
  }
  return {*of_b - *of_a, Scorer(a.cases, bootstrap).interval([&](const auto& counts) {
            return scores_b.measure(metric, counts).value_or(std::nan("")) -
                   scores_a.measure(metric, counts).value_or(std::nan(""));
          })};
}

std::string classification_json(const ClassificationEvaluation& evaluation) {
  nlohmann::ordered_json mean;
  nlohmann::ordered_json ci95;
  for (std::size_t n = 0; n < kProbeMetrics.size(); ++n) {
    const std::string name(metric_name(kProbeMetrics[n]));
    mean[name] = number(evaluation.measures[n].value);
    ci95[name] = interval(evaluation.measures[n].ci95);
  }
  nlohmann::ordered_json classes = nlohmann::ordered_json::array();
  for (const ClassScore& score : evaluation.classes) {
    classes.push_back({{"name", score.name},
                       {"positives", score.positives},
                       {"auroc", number(score.auroc.value)},
                       {"auroc_ci95", interval(score.auroc.ci95)},
                       {"sensitivity", number(score.sensitivity)},
                       {"specificity", number(score.specificity)},
                       {"f1", score.f1}});
  }
  nlohmann::ordered_json cases = nlohmann::ordered_json::array();
  for (const ClassifiedCase& one : evaluation.cases) {
    cases.push_back({{"case", one.key},
                     {"patient", one.patient},
                     {"targets", one.targets},
                     {"scores", one.scores}});
  }
  const nlohmann::ordered_json summary = {{"task", "classify"},
                                          {"findings", evaluation.multi_label},
                                          {"n", evaluation.cases.size()},
                                          {"patients", evaluation.patients},
                                          {"mean", mean},
                                          {"ci95", ci95},
                                          {"classes", classes},
                                          {"without_auroc", evaluation.without_auroc},
                                          {"confusion", evaluation.confusion},
                                          {"metric_per_case", cases}};
  return summary.dump(2) + "\n";
}

std::string classification_csv(const ClassificationEvaluation& evaluation) {
  std::string text = "case,patient";
  for (const char* const kind : {"target", "score"}) {
    for (const ClassScore& score : evaluation.classes) {
      text += "," + csv_field(std::string(kind) + "_" + score.name);
    }
  }
  text += "\n";
  for (const ClassifiedCase& one : evaluation.cases) {
    text += csv_field(one.key) + "," + csv_field(one.patient);
    for (const double target : one.targets) {
      text += fmt::format(",{:g}", target);
    }
    for (const double score : one.scores) {
      text += fmt::format(",{:.6f}", score);
    }
    text += "\n";
  }
  return text;
}

}  // namespace marrow
