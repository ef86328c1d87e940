#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clinical/metrics/bootstrap.h"
#include "clinical/probes/probe_metrics.h"

namespace marrow {

// One case that a classifier scored.
struct ClassifiedCase {
  std::string key;
  std::string patient;          // "" counts as a patient of its own
  std::vector<double> targets;  // 0 or 1 for each class; exactly one 1 unless these are findings
  std::vector<double> scores;   // probabilities
};

struct Measured {
  std::optional<double> value;
  std::optional<Interval> ci95;  // bootstrap over patients; empty with fewer than two
};

// One class against all others, or one finding.
struct ClassScore {
  std::string name;
  std::int64_t positives = 0;         // cases that have it
  Measured auroc;                     // ties count half; empty without positive or negative cases
  std::optional<double> sensitivity;  // share of positives that were predicted; empty without any
  std::optional<double> specificity;  // share of the others that were not; empty without others
  double f1 = 0.0;                    // 0 for a class that occurs in neither
};

struct ClassificationEvaluation {
  bool multi_label = false;
  std::vector<ClassifiedCase> cases;  // in the order of their keys
  std::int64_t patients = 0;
  std::vector<Measured> measures;  // in the order of kProbeMetrics
  std::vector<ClassScore> classes;
  // Classes without positive or negative cases: they have no AUROC, and the mean leaves them out.
  std::vector<std::string> without_auroc;
  // One class a case: rows are what is true, columns what was predicted.
  std::vector<std::vector<std::int64_t>> confusion;
};

// What is predicted: the class of the highest score, the first of equals; a finding from 0.5 on.
//
// Throws Error{kNothingFound} without cases, Error{kInvalidArgument} for rows of other sizes than
// `names`, scores that are no numbers, or two cases of one key.
[[nodiscard]] ClassificationEvaluation evaluate_classification(
    std::vector<ClassifiedCase> cases,
    const std::vector<std::string>& names,
    bool multi_label,
    const BootstrapOptions& bootstrap);

// A measure of b minus that of a on the same cases; the bootstrap draws the same patients for both.
// Empty where one of them has no such measure.
//
// Throws Error{kInvalidArgument} unless both hold the same cases, patients, targets and classes.
[[nodiscard]] Measured paired_difference(const ClassificationEvaluation& a,
                                         const ClassificationEvaluation& b,
                                         ProbeMetric metric,
                                         const BootstrapOptions& bootstrap);

// {"task": "classify", "n", "patients", "mean": {...}, "ci95": {...}, "classes": [...],
// "confusion": [...], "metric_per_case": [...]}
[[nodiscard]] std::string classification_json(const ClassificationEvaluation& evaluation);

// One row per case: case, patient, then target and score of each class.
[[nodiscard]] std::string classification_csv(const ClassificationEvaluation& evaluation);

}  // namespace marrow
