#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace marrow {

// One column of a run's metrics.jsonl: its values over steps, without those that are missing or not
// finite.
struct MetricCurve {
  std::string name;  // "loss", "lr", "grad_norm", ...
  std::vector<double> step;
  std::vector<double> value;
};

// Reads a metrics.jsonl: one JSON object a line with `step` and any number of numeric keys. Columns
// come in the order in which they first appear; other values than numbers are ignored. Rows of one
// step are one row (training and validation figures are written apart), the later value of a column
// counts (a run that was resumed before its last row); a torn last line is left out. Throws
// Error{kUnreadable} naming file and line on any other line that is no JSON object with a numeric
// `step`.
[[nodiscard]] std::vector<MetricCurve> read_metrics(const std::filesystem::path& file);

// nullptr when there is none of that name.
[[nodiscard]] const MetricCurve* find_curve(const std::vector<MetricCurve>& curves,
                                            std::string_view name);

// `curve` in at most `points` points: means of equal runs of rows, at the mean of their steps.
[[nodiscard]] MetricCurve thinned(const MetricCurve& curve, std::size_t points);

}  // namespace marrow
