#include "clinical/report/metric_curves.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"

namespace marrow {

std::vector<MetricCurve> read_metrics(const std::filesystem::path& file) {
  const std::string text = read_text(file);
  std::vector<std::string> names;
  std::map<double, std::map<std::string, double>> rows;
  std::size_t line_number = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    const std::string line = text.substr(start, end - start);
    ++line_number;
    start = end == std::string::npos ? text.size() : end + 1;
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    const auto row = nlohmann::ordered_json::parse(line, nullptr, false);
    if (row.is_discarded() && end == std::string::npos) {
      break;  // the run was stopped while it wrote
    }
    if (!row.is_object() || !row.contains("step") || !row["step"].is_number()) {
      throw Error(ErrorCode::kUnreadable,
                  "report: expected one JSON object with a number \"step\" a line, found another "
                  "line " +
                      std::to_string(line_number) + " in " + file.string() + "; remove that line");
    }
    std::map<std::string, double>& values = rows[row["step"].get<double>()];
    for (const auto& [name, value] : row.items()) {
      if (name == "step" || !value.is_number()) {
        continue;
      }
      values[name] = value.get<double>();
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(name);
      }
    }
  }
  std::vector<MetricCurve> curves;
  for (const std::string& name : names) {
    MetricCurve curve{name, {}, {}};
    for (const auto& [step, values] : rows) {
      const auto value = values.find(name);
      if (value != values.end() && std::isfinite(value->second)) {
        curve.step.push_back(step);
        curve.value.push_back(value->second);
      }
    }
    curves.push_back(std::move(curve));
  }
  return curves;
}

const MetricCurve* find_curve(const std::vector<MetricCurve>& curves, std::string_view name) {
  const auto found = std::find_if(
      curves.begin(), curves.end(), [&](const MetricCurve& curve) { return curve.name == name; });
  return found == curves.end() ? nullptr : &*found;
}

MetricCurve thinned(const MetricCurve& curve, std::size_t points) {
  MARROW_CHECK(points > 0);
  const std::size_t rows = curve.step.size();
  if (rows <= points) {
    return curve;
  }
  MetricCurve result{curve.name, {}, {}};
  for (std::size_t i = 0; i < points; ++i) {
    const std::size_t first = i * rows / points;
    const std::size_t last = (i + 1) * rows / points;
    double step = 0;
    double value = 0;
    for (std::size_t row = first; row < last; ++row) {
      step += curve.step[row];
      value += curve.value[row];
    }
    const auto count = static_cast<double>(last - first);
    result.step.push_back(step / count);
    result.value.push_back(value / count);
  }
  return result;
}

}  // namespace marrow
