#pragma once

#include <string>
#include <utility>
#include <vector>

#include "clinical/report/ab_input.h"
#include "clinical/report/html.h"

namespace marrow {

// The parts of the page of a comparison; each is empty when the input has nothing for it.

[[nodiscard]] Html ab_verdicts(const AbInput& input);
[[nodiscard]] Html ab_charts(const AbInput& input);
[[nodiscard]] Html ab_differences(const AbInput& input);
[[nodiscard]] Html ab_pretrainings(const AbInput& input);
[[nodiscard]] Html ab_method(const AbInput& input);
[[nodiscard]] Html ab_limits(const AbInput& input);

// An arm with its budget.
using AbSeries = std::pair<std::string, std::string>;

// In the order of the first rows that have them: the same in every chart and table.
[[nodiscard]] std::vector<AbSeries> ab_series(const AbInput& input);
// "all", "reduced, steps".
[[nodiscard]] std::string ab_series_words(const AbSeries& series);
// "linear probe", "nearest neighbours".
[[nodiscard]] std::string ab_probe_words(const std::string& probe);
// The kinds of probes: the leading one first.
[[nodiscard]] std::vector<std::string> ab_probes(const AbInput& input);
// "95 %".
[[nodiscard]] std::string ab_level_text(const AbInput& input);
// Mean seconds of the pretrainings of an arm and budget that were not interrupted; NaN for none.
[[nodiscard]] double ab_mean_seconds(const AbInput& input, const AbSeries& series);

}  // namespace marrow
