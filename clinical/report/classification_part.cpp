#include "clinical/report/classification_part.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "clinical/evaluation/classification_evaluation.h"
#include "clinical/report/run_manifest.h"
#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

constexpr const char* kClassIntervals = "95 % bootstrap interval over patients";

// Thrown inside this file only, and told with the file's name.
struct SummaryFault {
  std::string found;
};

void require_summary(bool holds, const std::string& found) {
  if (!holds) {
    throw SummaryFault{found};
  }
}

std::optional<double> number_of(const nlohmann::json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<double>());
}

Measured measured_of(const nlohmann::json& value, const nlohmann::json& ci95) {
  Measured measured;
  measured.value = number_of(value);
  if (!ci95.is_null()) {
    measured.ci95 = Interval{ci95.at(0).get<double>(), ci95.at(1).get<double>()};
  }
  return measured;
}

ClassScore class_of(const nlohmann::json& entry) {
  ClassScore score;
  entry.at("name").get_to(score.name);
  entry.at("positives").get_to(score.positives);
  score.auroc = measured_of(entry.at("auroc"), entry.at("auroc_ci95"));
  score.sensitivity = number_of(entry.at("sensitivity"));
  score.specificity = number_of(entry.at("specificity"));
  entry.at("f1").get_to(score.f1);
  return score;
}

ClassifiedCase classified_case_of(const nlohmann::json& entry, std::size_t classes, bool findings) {
  ClassifiedCase one;
  entry.at("case").get_to(one.key);
  entry.at("patient").get_to(one.patient);
  entry.at("targets").get_to(one.targets);
  entry.at("scores").get_to(one.scores);
  require_summary(one.targets.size() == classes && one.scores.size() == classes,
                  "a case with targets or scores of another number than classes");
  const auto positive = std::count(one.targets.begin(), one.targets.end(), 1.0);
  const auto negative = std::count(one.targets.begin(), one.targets.end(), 0.0);
  require_summary(positive + negative == std::ssize(one.targets) && (findings || positive == 1),
                  "a case with targets other than 0 and 1, or not of one class");
  return one;
}

ClassificationEvaluation evaluation_of(const nlohmann::json& json) {
  require_summary(json.is_object() && json.value("task", nlohmann::json()) == "classify",
                  "no \"task\": \"classify\"");
  ClassificationEvaluation evaluation;
  json.at("findings").get_to(evaluation.multi_label);
  json.at("patients").get_to(evaluation.patients);
  for (const ProbeMetric metric : kProbeMetrics) {
    const std::string name(metric_name(metric));
    evaluation.measures.push_back(measured_of(json.at("mean").at(name), json.at("ci95").at(name)));
  }
  for (const nlohmann::json& entry : json.at("classes")) {
    evaluation.classes.push_back(class_of(entry));
  }
  const std::size_t classes = evaluation.classes.size();
  std::set<std::string> keys;
  for (const nlohmann::json& entry : json.at("metric_per_case")) {
    evaluation.cases.push_back(classified_case_of(entry, classes, evaluation.multi_label));
    require_summary(keys.insert(evaluation.cases.back().key).second, "two cases of one key");
  }
  require_summary(classes > 0 && !evaluation.cases.empty(), "no classes or no cases");
  require_summary(json.at("n").get<std::size_t>() == evaluation.cases.size(),
                  "a number of cases that is not the one of its list");
  json.at("confusion").get_to(evaluation.confusion);
  require_summary(evaluation.confusion.size() == (evaluation.multi_label ? 0 : classes) &&
                      std::all_of(evaluation.confusion.begin(),
                                  evaluation.confusion.end(),
                                  [&](const auto& row) { return row.size() == classes; }),
                  "a confusion matrix of another size than the classes");
  return evaluation;
}

std::optional<ClassificationEvaluation> read_classification(const std::filesystem::path& run) {
  const std::filesystem::path file = run / "evaluation" / "summary.json";
  if (run.empty() || !std::filesystem::exists(file)) {
    return std::nullopt;
  }
  const auto refuse = [&](const std::string& found) {
    return Error(ErrorCode::kUnreadable,
                 "report: expected the summary of a classification, found " + printable(found) +
                     " in " + file.string() + "; run `marrow evaluate` again");
  };
  const nlohmann::json json = read_report_json(file);
  try {
    return evaluation_of(json);
  } catch (const SummaryFault& fault) {
    throw refuse(fault.found);
  } catch (const nlohmann::json::exception& fault) {
    throw refuse(std::string("other keys or values (") + fault.what() + ")");
  }
}

Estimate estimate_of(const Measured& measured) {
  Estimate estimate;
  if (measured.value) {
    estimate.value = *measured.value;
  }
  if (measured.value && measured.ci95) {
    estimate.low = measured.ci95->low;
    estimate.high = measured.ci95->high;
  }
  return estimate;
}

Estimate mean_of(const ClassificationEvaluation& evaluation, ProbeMetric metric) {
  const auto place = std::find(kProbeMetrics.begin(), kProbeMetrics.end(), metric);
  return estimate_of(evaluation.measures[static_cast<std::size_t>(place - kProbeMetrics.begin())]);
}

std::vector<ReportMeanRow> mean_rows(const ClassificationEvaluation& evaluation) {
  const bool findings = evaluation.multi_label;
  return {{"AUROC",
           findings ? "mean over the findings; ties count half"
                    : "mean over the classes, each against all others; ties count half",
           mean_of(evaluation, ProbeMetric::kMacroAuroc)},
          {"Accuracy",
           findings ? "share of right predictions over cases and findings"
                    : "share of cases with the right class",
           mean_of(evaluation, ProbeMetric::kAccuracy)},
          {"Balanced accuracy",
           findings ? "mean over the findings of (sensitivity + specificity) / 2"
                    : "mean over the classes of their sensitivity",
           mean_of(evaluation, ProbeMetric::kBalancedAccuracy)},
          {"F1",
           findings ? "mean over the findings that some case has or is said to have"
                    : "mean over the classes that are true or predicted of some case",
           mean_of(evaluation, ProbeMetric::kMacroF1)}};
}

ReportClassification classification_tables(const ClassificationEvaluation& evaluation) {
  ReportClassification tables;
  tables.multi_label = evaluation.multi_label;
  tables.interval = kClassIntervals;
  tables.means = mean_rows(evaluation);
  for (const ClassScore& score : evaluation.classes) {
    tables.classes.push_back({score.name,
                              score.positives,
                              estimate_of(score.auroc),
                              score.sensitivity.value_or(0),
                              score.specificity.value_or(0),
                              score.f1});
  }
  tables.confusion = evaluation.confusion;
  for (const ClassifiedCase& one : evaluation.cases) {
    ReportClassifiedCase row{one.key, {}, one.scores};
    for (std::size_t k = 0; k < one.targets.size(); ++k) {
      if (one.targets[k] > 0) {
        row.has.push_back(k);
      }
    }
    tables.cases.push_back(std::move(row));
  }
  return tables;
}

std::string auroc_note(const ClassificationEvaluation& evaluation) {
  const auto counted =
      std::count_if(evaluation.classes.begin(), evaluation.classes.end(), [](const auto& score) {
        return score.auroc.value.has_value();
      });
  return fmt::format("{} cases of {} patients, mean of {} {}",
                     count_text(std::ssize(evaluation.cases)),
                     count_text(evaluation.patients),
                     counted == std::ssize(evaluation.classes)
                         ? std::to_string(counted)
                         : fmt::format("{} of {}", counted, evaluation.classes.size()),
                     evaluation.multi_label ? "findings" : "classes");
}

ReportComparison classifier_comparison(const ClassificationEvaluation& run,
                                       const ClassificationEvaluation& scratch,
                                       ProbeMetric metric,
                                       const std::optional<Estimate>& given) {
  const BootstrapOptions bootstrap;
  ReportComparison comparison;
  comparison.metric = metric == ProbeMetric::kMacroAuroc ? "AUROC" : "accuracy";
  const Measured difference = paired_difference(scratch, run, metric, bootstrap);
  comparison.difference = given ? *given : estimate_of(difference);
  comparison.method = fmt::format("paired bootstrap over {} patients, {} draws",
                                  count_text(run.patients),
                                  count_text(bootstrap.resamples));
  return comparison;
}

}  // namespace

void add_classification(const ReportSources& sources, ReportInput& input) {
  const std::optional<ClassificationEvaluation> run = read_classification(sources.run);
  if (!run) {
    return;
  }
  input.classification = classification_tables(*run);
  const std::vector<ReportMeanRow>& means = input.classification->means;
  const std::optional<ClassificationEvaluation> scratch = read_classification(sources.scratch);
  if (!scratch) {
    input.cards = {{"AUROC", means[0].score, CardFormat::kScore, "", auroc_note(*run)},
                   {means[1].name, means[1].score, CardFormat::kScore, "", means[1].definition},
                   {means[2].name, means[2].score, CardFormat::kScore, "", means[2].definition}};
    return;
  }
  // Cases of one class have no AUROC, but still an accuracy.
  const ProbeMetric metric =
      means[0].score.known() ? ProbeMetric::kMacroAuroc : ProbeMetric::kAccuracy;
  input.comparison = classifier_comparison(*run, *scratch, metric, sources.difference);
  const std::string name = metric == ProbeMetric::kMacroAuroc ? "AUROC" : "Accuracy";
  input.cards = {{name + ", with pretraining",
                  mean_of(*run, metric),
                  CardFormat::kScore,
                  "",
                  auroc_note(*run)},
                 {name + ", from scratch",
                  mean_of(*scratch, metric),
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
