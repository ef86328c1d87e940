#pragma once

#include "clinical/report/report_files.h"

namespace marrow {

// Fills in what evaluation/summary.json of a classification (and of the one from scratch) says:
// means, classes, confusion matrix, cases, comparison, the three cards. Nothing when the run was
// not evaluated.
//
// Throws Error{kUnreadable} for a file that is no summary of a classification, and
// Error{kInvalidArgument} when the two were not scored on the same cases and classes.
void add_classification(const ReportSources& sources, ReportInput& input);

}  // namespace marrow
