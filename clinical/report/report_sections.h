#pragma once

#include <cstddef>
#include <string>

#include "clinical/report/html.h"
#include "clinical/report/report_input.h"

namespace marrow {

// The parts of a report page; each is empty when the input has nothing for it.

// Cases best, median, worst with sliders; about `byte_limit` bytes of pictures.
[[nodiscard]] Html report_case_pictures(const ReportInput& input, std::size_t byte_limit);
[[nodiscard]] Html report_reconstructions(const ReportInput& input);
[[nodiscard]] Html report_scores(const ReportInput& input);
// Of a classification: means, classes, confusion matrix.
[[nodiscard]] Html report_classes(const ReportInput& input);
// Of a classification: each case with what is true and what was predicted, the worst first.
[[nodiscard]] Html report_classified_cases(const ReportInput& input);
[[nodiscard]] Html report_learning(const ReportInput& input);
[[nodiscard]] Html report_limits(const ReportInput& input);
[[nodiscard]] Html report_provenance(const ReportInput& input);

}  // namespace marrow
