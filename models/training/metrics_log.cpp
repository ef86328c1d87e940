#include "models/training/metrics_log.h"

#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "models/training/event_file.h"

namespace marrow {

struct MetricsLog::State {
  std::filesystem::path file;
  std::unique_ptr<EventFile> events;
  std::map<std::string, double> earlier;
};

MetricsLog::MetricsLog(const std::filesystem::path& folder, std::int64_t resumed_from)
    : state_(std::make_unique<State>()) {
  state_->file = folder / "metrics.jsonl";
  std::string kept;
  std::ifstream old(state_->file);
  for (std::string line; std::getline(old, line);) {
    const nlohmann::json row =
        nlohmann::json::parse(line, nullptr, false);  // a cut last line is dropped
    if (row.is_object() && row.value("step", std::int64_t{0}) <= resumed_from && resumed_from > 0) {
      kept += line + "\n";
      if (row.contains("loss")) {  // else a validation's
        state_->earlier.clear();
        for (const auto& [name, value] : row.items()) {
          if (value.is_number() && name != "step") {
            state_->earlier[name] = value.get<double>();
          }
        }
      }
    }
  }
  write_atomically(state_->file, kept);
  state_->events = std::make_unique<EventFile>(folder);
}

MetricsLog::~MetricsLog() = default;

const std::map<std::string, double>& MetricsLog::earlier() const {
  return state_->earlier;
}

void MetricsLog::row(std::int64_t step, const std::vector<std::pair<std::string, double>>& values) {
  nlohmann::ordered_json row = {{"step", step}};
  for (const auto& [name, value] : values) {
    row[name] =
        std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
  }
  append_line(state_->file, row.dump());
  state_->events->scalars(step, values);
}

}  // namespace marrow
