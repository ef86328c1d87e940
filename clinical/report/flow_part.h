#pragma once

#include "clinical/report/report_files.h"

namespace marrow {

// The counts of the run that was started from, then those of the run itself; an evaluation's take
// the place of the run's when they go on from them (same title). Counts that were not recorded are
// named as missing where others are shown, and never made up. Needs `input.kind` and
// `input.scores`.
void add_flows(const ReportSources& sources, ReportInput& input);

}  // namespace marrow
