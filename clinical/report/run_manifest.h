#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "clinical/report/report_input.h"

namespace marrow {

// What a page needs to know of a run beside its pictures and scores.
struct RunManifest {
  std::string task;                          // "pretrain" | "import" | "segment" | "classify" | ""
  std::map<std::string, std::string> facts;  // "dataset", "training_cases", "volumes", ...
  std::string method;                        // of a pretraining run: "spark"
  std::string encoder;
  std::string select = "auroc";  // of a classification: what its validation measures
  bool normalised_blocks =
      false;  // restored blocks are drawn with the true blocks' brightness and contrast
  std::optional<IntensityWindow> window;  // for CT; others are windowed by their own values
  std::int64_t steps = 0;
  double loss = std::numeric_limits<double>::quiet_NaN();
  ReportProvenance provenance;
};

// Throws Error{kNothingFound} when the folder is no run and Error{kUnreadable} naming a damaged
// file.
[[nodiscard]] RunManifest read_run_manifest(const std::filesystem::path& run);

// A JSON file. Throws Error{kUnreadable} naming it.
[[nodiscard]] nlohmann::json read_report_json(const std::filesystem::path& file);

}  // namespace marrow
