#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "clinical/report/report_input.h"

namespace marrow {

// Everything the page of a reduction shows, as plain values. Nothing here may hold a patient
// attribute: series are named by their keys, cases of
// data sets by their names there.

// How much there was and how much was kept. `before` 0 where a quantity is not known.
struct ReductionAmount {
  std::int64_t before = 0;
  std::int64_t kept = 0;  // 0 to `before`
};

struct ReductionTotals {
  ReductionAmount series;
  ReductionAmount slices;
  ReductionAmount store_bytes;
  std::string store_note;  // how the bytes were estimated; may be empty
  ReductionAmount steps;   // training steps an epoch
  std::int64_t batch_size = 0;
};

// One filter, in the order in which they ran. A slice counts with the first filter that dropped it.
struct ReductionFilter {
  std::string name;     // "near copies"
  std::string meaning;  // one sentence
  std::int64_t dropped_series = 0;
  std::int64_t dropped_slices = 0;
  std::string threshold;  // as it shall be printed, "SSIM 0.985"; empty for none
  double seconds = std::numeric_limits<double>::quiet_NaN();
};

struct ReductionPoint {
  double threshold = 0;
  std::int64_t kept = 0;  // slices
};

// What a filter for slices would have kept at other thresholds.
struct ReductionCurve {
  std::string filter;
  std::string measure;  // name of the axis: "structural similarity"
  std::string unit;     // "" for none
  std::vector<ReductionPoint> points;
  ReductionPoint chosen;
};

// Another measure with the threshold at which it keeps about as many slices; `agreement` is the
// share of the slices kept by the chosen measure that it keeps too.
struct ReductionMeasure {
  std::string name;
  double threshold = std::numeric_limits<double>::quiet_NaN();
  std::int64_t kept = 0;
  double agreement = std::numeric_limits<double>::quiet_NaN();  // 0 to 1
};

// An 8-bit grey slice as the filter compared it, row by row from the top left.
struct ReductionPicture {
  std::int64_t columns = 0;
  std::int64_t rows = 0;
  double column_mm = 0;  // between pixel centres along a row; 0: not known
  double row_mm = 0;     // along a column
  std::vector<std::uint8_t> pixels;
  // Sides of the patient at the borders, of LRAPSI; empty where not known.
  std::string left, right, top, bottom;
  std::string series;      // key
  std::int64_t slice = 0;  // counted from 1
};

enum class PairGroup { kLeastAlike, kTypical, kMostAlike };

// A dropped slice beside the kept one that stands for it.
struct ReductionPair {
  PairGroup group = PairGroup::kTypical;
  ReductionPicture dropped;
  ReductionPicture kept;
  std::string filter;
  std::string measure;  // "SSIM 0.986"
  bool same_volume = true;
};

struct DroppedSeries {
  std::string key;
  std::string kept;  // key of the series that stands for it; empty for none
  std::string filter;
  std::string measure;
  std::string reason;
  bool labelled = false;
};

// Something odd about a series or its slices, dropped or not.
struct ReductionFlag {
  std::string key;
  std::string flag;    // "blank", "scout", "phantom", "outlier"
  std::string reason;  // "slices 1 to 4 hold a single grey value"
  bool dropped = false;
};

// How often a concept occurs before and after, in series or slices as `counted` says.
struct ReductionConcept {
  std::string name;
  ReductionAmount amount;
};

struct ReductionInput {
  std::string title;    // one sentence
  std::string date;     // UTC, as it shall be printed
  std::string subject;  // "Archive of 212 series, 34 118 slices"
  // What was asked for in words: {"Scope", "within each series"}, {"Order", "..."}.
  std::vector<std::pair<std::string, std::string>> settings;
  ReductionTotals totals;
  std::vector<ReductionFilter> filters;
  std::vector<ReductionCurve> curves;  // none, one, or one a filter for slices
  std::vector<ReductionMeasure> measures;
  std::vector<ReductionPair> gallery;
  std::vector<DroppedSeries> dropped;  // the first 200 are shown
  std::int64_t dropped_total = 0;      // when `dropped` is only a part of them
  std::string list_command;            // lists them all: "marrow list --where ..."
  std::vector<ReductionFlag> flags;    // the first 200 are shown
  std::vector<ReductionConcept> concepts;
  std::string counted = "series";
  std::vector<std::string> notes;  // what was not compared and why, what the filters cannot see
  ReportProvenance provenance;     // with the command to repeat and config.yaml
  std::string undo_command = "marrow reduce --undo";
};

}  // namespace marrow
