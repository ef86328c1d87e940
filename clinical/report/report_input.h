#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "clinical/report/data_flow.h"
#include "clinical/report/metric_curves.h"
#include "clinical/report/number_text.h"
#include "clinical/report/picture.h"
#include "core/case.h"
#include "core/volume.h"

namespace marrow {

// Everything a report page shows, as plain values. Nothing here may hold a patient attribute: cases
// are named by their keys.

enum class ReportKind { kPretraining, kImport, kSegmentation, kClassification, kDemo };

enum class CardFormat { kScore, kDifference, kCount, kSeconds };

// One of the large numbers at the top.
struct ReportCard {
  std::string label;
  Estimate value;
  CardFormat format = CardFormat::kScore;
  std::string unit;
  std::string note;  // one line: what was counted, how the interval was made
};

// A volume before, during and after masked pretraining, on one grid.
struct ReconstructionPictures {
  std::string key;
  Volume original;
  Volume masked;  // hidden voxels are NaN where it is known which ones they are
  Volume restored;
  bool hidden_known = false;              // false: hidden voxels hold whatever the run wrote there
  std::optional<IntensityWindow> window;  // absent: from the original
  bool patient_geometry = true;           // false: no letters and no scale bar
};

struct CasePictures {
  std::string key;
  std::string rank;  // "best", "median", "worst"
  Estimate score;    // mean Dice of the case
  Volume image;
  LabelMap reference;
  LabelMap prediction;
  std::optional<IntensityWindow> window;
  bool patient_geometry = true;
};

struct ReportMetric {
  std::string name;        // "Dice"
  std::string unit;        // "mm"; "" for none
  std::string definition;  // one phrase, for the header of its column
  bool higher_is_better = true;
};

struct ReportStructureRow {
  std::string structure;         // "mean of structures" for the mean row
  std::vector<Estimate> scores;  // one a metric
  std::int64_t n = 0;            // cases that count
};

struct ReportCaseRow {
  std::string key;
  // [structure][metric], structures in the order of `ReportScores::structures` without the mean
  // row; NaN: not defined.
  std::vector<std::vector<double>> scores;
  double mean = std::numeric_limits<double>::quiet_NaN();  // mean of the first metric
};

struct ReportScores {
  std::vector<ReportMetric> metrics;
  std::vector<ReportStructureRow> structures;
  std::optional<ReportStructureRow> mean;
  std::vector<ReportCaseRow> cases;
  std::string interval;      // how intervals are made: "95 % bootstrap over patients"
  std::string empty_policy;  // what is scored when a structure is absent
};

// One class against all others, or one finding.
struct ReportClassRow {
  std::string name;
  std::int64_t positives = 0;  // cases that have it
  Estimate auroc;              // unknown without positive or negative cases
  double sensitivity = 0;
  double specificity = 0;
  double f1 = 0;
};

struct ReportClassifiedCase {
  std::string key;
  std::vector<std::size_t> has;  // which classes; exactly one unless these are findings
  std::vector<double> scores;    // one a class
};

struct ReportMeanRow {
  std::string name;  // "Accuracy"
  std::string definition;
  Estimate score;
};

struct ReportClassification {
  bool multi_label = false;  // findings, of which a case may have several or none
  std::vector<ReportMeanRow> means;
  std::vector<ReportClassRow> classes;
  std::vector<std::vector<std::int64_t>> confusion;  // [true][predicted]; empty for findings
  std::vector<ReportClassifiedCase> cases;
  std::string interval;  // how intervals are made
};

struct ReportSubgroup {
  std::string group;  // "manufacturer: A"
  std::int64_t n = 0;
  Estimate score;
};

// The same cases by two runs.
struct ReportComparison {
  struct Pair {
    std::string key;
    double first = 0;
    double second = 0;
  };

  std::string first = "with pretraining";
  std::string second = "from scratch";
  std::string metric = "mean Dice";
  std::string unit;
  Estimate difference;  // first - second
  std::string method;   // "paired bootstrap over 20 patients, 10 000 draws"
  std::vector<Pair> pairs;
};

// One training run's curves.
struct LearningCurves {
  std::string title;  // "Pretraining", "Fine-tuning"
  std::vector<MetricCurve> curves;
  std::vector<MetricCurve> compared;  // the same of the run from scratch; may be empty
};

struct LabelCurve {
  std::string name;  // "with pretraining"
  std::vector<double> labels;
  std::vector<Estimate> scores;
};

struct ReportProvenance {
  std::string run;  // "Fine-tuning", when there are several
  std::string program_version;
  std::vector<std::pair<std::string, std::string>> libraries;
  std::string command;
  std::string config;  // YAML
  std::string data_fingerprint;
  std::string seed;
  std::string started_utc;
  double seconds = std::numeric_limits<double>::quiet_NaN();
  double peak_rss_mb = std::numeric_limits<double>::quiet_NaN();
  std::string threads;
  std::string device;
};

struct ReportInput {
  std::string title;  // one sentence
  std::string date;   // as it shall be printed
  ReportKind kind = ReportKind::kSegmentation;
  std::string task;  // what the cards count: "hippocampus"; may be empty
  std::vector<ReportCard> cards;
  std::vector<LabelClass> classes;  // background first
  std::vector<CasePictures> cases;
  std::vector<ReconstructionPictures> reconstructions;
  // Restored blocks are drawn with the true blocks' brightness and contrast, since the method
  // predicts normalised ones.
  bool true_contrast = false;
  std::vector<DataFlow> flows;
  std::vector<std::string> flow_gaps;  // sentences about counts that were not recorded
  std::optional<ReportScores> scores;
  std::optional<ReportClassification> classification;
  std::vector<ReportSubgroup> subgroups;
  std::optional<ReportComparison> comparison;
  std::vector<LearningCurves> learning;
  std::vector<LabelCurve> label_curves;
  std::vector<std::string> limits;      // beside those that hold for every page of the kind
  std::vector<std::string> unfamiliar;  // cases unlike the training data, by key with a reason
  std::vector<ReportProvenance> provenance;
};

}  // namespace marrow
