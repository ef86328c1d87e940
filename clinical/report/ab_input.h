#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "clinical/report/report_input.h"

namespace marrow {

// Everything the page of a comparison of pretrainings (`marrow reduce --ab`) shows, as plain
// values. No case is named in it, so that no patient can be.

// What a pretraining may see.
struct AbArm {
  std::string name;          // "all", "reduced", "every_n"
  std::int64_t samples = 0;  // slices (3D: volumes) that an epoch visits
  std::string decision;      // digest of what was left out
};

// One pretraining from one seed.
struct AbPretraining {
  std::string arm;
  std::string budget;  // "steps", "epochs"; "both" for `all`
  std::int64_t steps = 0;
  std::uint64_t seed = 0;
  double loss = std::numeric_limits<double>::quiet_NaN();
  double seconds = std::numeric_limits<double>::quiet_NaN();
  bool resumed = false;  // then `seconds` are those of its last part alone
};

struct AbScore {
  std::string metric;  // as `metric_name` writes it: "macro_auroc"
  Estimate value;      // mean over draws; unknown where the metric does not exist
  Estimate to_all;     // paired difference to the arm `all`; unknown for `all` itself
};

// One kind of probe of one arm and budget at one number of labels.
struct AbRow {
  std::string arm;     // also "initial", the encoder without pretraining
  std::string budget;  // as in AbPretraining, "" for "initial"
  std::string labels;  // "5 per class"
  std::string probe;   // "linear", "knn"
  std::int64_t draws = 0;
  std::vector<AbScore> scores;
};

struct AbData {
  std::string name;
  std::int64_t test_cases = 0;
  std::vector<AbRow> rows;
};

struct AbInput {
  std::string date;             // as it shall be printed
  std::string unit = "slices";  // of samples; "volumes" in 3D
  std::int64_t batch_size = 0;
  std::int64_t seeds = 0;          // that are done
  std::int64_t planned_seeds = 0;  // 0: not known
  double level = 0.95;             // of every interval
  std::vector<AbArm> arms;
  std::vector<AbPretraining> pretrained;
  std::vector<AbData> probes;
  ReportProvenance provenance;
};

}  // namespace marrow
