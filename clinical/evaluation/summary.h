#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "clinical/evaluation/evaluation.h"

namespace marrow {

// summary.json: nnU-Net's `metric_per_case`, `mean` (by label value) and `foreground_mean`, with
// surface distances beside its overlap keys, and ours: `ci95`, `n`, `empty_policy`, `subgroups`,
// `structures`, `units`, `definitions`. Numbers are written so that reading gives the same doubles.
// Keys and values are described in docs/formats.
[[nodiscard]] std::string summary_json(const Evaluation& evaluation);

// Reads the cases of such a file and makes means and intervals again. Throws Error{kUnreadable}
// naming what is missing.
[[nodiscard]] Evaluation summary_from_json(std::string_view json);

// One row per case and structure: case, patient, structure, dice, iou, hd95_mm, assd_mm, reference
// and predicted voxels, empty, then one column per fact.
[[nodiscard]] std::string cases_csv(const Evaluation& evaluation);

// A comparison as JSON: `foreground` and `structures`, per metric mean_difference, ci95, n, better,
// worse, equal.
[[nodiscard]] std::string comparison_json(const PairedComparison& comparison,
                                          const Evaluation& evaluation);

}  // namespace marrow
