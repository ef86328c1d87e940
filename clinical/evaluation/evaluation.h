#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "clinical/metrics/bootstrap.h"
#include "clinical/metrics/overlap.h"
#include "clinical/metrics/surface_distance.h"
#include "core/case.h"
#include "core/volume.h"

namespace marrow {

// What happens to a structure whose mask is empty, word for word as summary.json says it.
inline constexpr std::string_view kEmptyPolicy =
    "absent in reference and prediction: Dice 1, HD95 and ASSD 0 mm, counted in both_empty; "
    "absent in one of them: Dice 0, HD95 and ASSD the diagonal of the image in mm, counted in "
    "missed or spurious; "
    "no structure is left out of a mean";

// Reference and prediction of one case on the image's own grid; borrowed for the call.
struct EvaluationCase {
  std::string key;
  std::string patient;
  const LabelMap* reference = nullptr;
  const LabelMap* prediction = nullptr;
  std::map<std::string, std::string>
      facts;  // for subgroups: "modality": "CT"; no patient attributes
};

enum class EmptyMask { kNone, kBoth, kMissed, kSpurious };

// "none", "both", "missed" (in the reference only), "spurious" (in the prediction only), and back.
[[nodiscard]] std::string_view empty_mask_name(EmptyMask empty);

// One structure of one case.
struct StructureScore {
  OverlapCounts counts;
  double dice = 0.0;
  double iou = 0.0;
  double hd95_mm = 0.0;
  double assd_mm = 0.0;
  EmptyMask empty = EmptyMask::kNone;
};

struct CaseScore {
  std::string key;
  std::string patient;
  std::map<std::string, std::string> facts;
  std::vector<StructureScore> structures;  // in the order of Evaluation::structures
};

enum class Metric { kDice, kIou, kHd95, kAssd };
inline constexpr Metric kMetrics[] = {Metric::kDice, Metric::kIou, Metric::kHd95, Metric::kAssd};

// "Dice", "IoU", "HD95_mm", "ASSD_mm": the keys in summary.json.
[[nodiscard]] std::string_view metric_name(Metric metric);
[[nodiscard]] double metric_value(const StructureScore& score, Metric metric);

struct MetricSummary {
  double mean = 0.0;
  std::optional<Interval> ci95;  // bootstrap over patients; empty with fewer than two
};

struct GroupSummary {
  std::int64_t cases = 0;
  std::int64_t patients = 0;
  std::vector<std::map<Metric, MetricSummary>> structures;  // mean over the cases
  std::map<Metric, MetricSummary> foreground;               // mean over cases and structures
};

struct EvaluationOptions {
  SurfaceRule surface_rule = SurfaceRule::kPooled;
  BootstrapOptions bootstrap;
};

struct Evaluation {
  std::vector<LabelClass> structures;  // without the background
  EvaluationOptions options;
  std::vector<CaseScore> cases;  // in the order of their keys
  GroupSummary all;
  std::map<std::string, std::map<std::string, GroupSummary>> subgroups;  // fact -> value -> summary
};

// Overlap and surface distances of every class but 0. Throws Error{kRefused} when the grids differ,
// naming the case and the difference, and Error{kInvalidArgument} without a class besides the
// background.
[[nodiscard]] CaseScore score_case(const EvaluationCase& item,
                                   const std::vector<LabelClass>& classes,
                                   const EvaluationOptions& options);

// Means and intervals from scored cases. Throws Error{kNothingFound} without cases, and
// Error{kInvalidArgument} for two cases of one key.
[[nodiscard]] Evaluation summarise(std::vector<CaseScore> cases,
                                   const std::vector<LabelClass>& classes,
                                   const EvaluationOptions& options);

[[nodiscard]] Evaluation evaluate_cases(std::span<const EvaluationCase> items,
                                        const std::vector<LabelClass>& classes,
                                        const EvaluationOptions& options);

struct PairedDifference {
  double mean = 0.0;             // of b - a over the cases
  std::optional<Interval> ci95;  // bootstrap over patients
  std::int64_t cases = 0;
  std::int64_t patients = 0;
  std::int64_t b_higher = 0;  // cases in which b's value is higher, lower or equal
  std::int64_t b_lower = 0;
  std::int64_t equal = 0;
};

struct PairedComparison {
  std::map<Metric, PairedDifference> foreground;  // mean over the structures of each case
  std::vector<std::map<Metric, PairedDifference>> structures;  // in the order of a.structures
};

// b - a, case by case. Throws Error{kInvalidArgument} unless both hold the same cases, patients and
// structures, scored by the same surface rule.
[[nodiscard]] PairedComparison paired_difference(const Evaluation& a,
                                                 const Evaluation& b,
                                                 const BootstrapOptions& bootstrap);

}  // namespace marrow
