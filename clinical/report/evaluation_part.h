#pragma once

#include "clinical/report/report_files.h"

namespace marrow {

// Fills in what evaluation/summary.json of the run (and of the one from scratch) says: scores,
// classes, subgroups, comparison, the three cards. Nothing when the run was not evaluated.
void add_evaluation(const ReportSources& sources, ReportInput& input);

}  // namespace marrow
