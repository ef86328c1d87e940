#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "clinical/report/html.h"

namespace marrow {

// What happened to the data, as counts: from what was found to what was used, and why the rest was
// not. Reasons and labels are words of the program; nothing here names a case or a patient.

struct FlowLoss {
  std::string reason;
  std::int64_t count = 0;

  friend bool operator==(const FlowLoss&, const FlowLoss&) = default;
};

// A stage that data reached, and what of it did not reach the next one.
struct FlowStep {
  std::string label;  // "files found"
  std::int64_t count = 0;
  std::string note;  // "of 8 patients"; may be empty
  std::vector<FlowLoss> losses;

  friend bool operator==(const FlowStep&, const FlowStep&) = default;
};

// A part that goes its own way after the last common stage.
struct FlowBranch {
  std::string name;  // "train", "validation", "test"
  std::vector<FlowStep> steps;

  friend bool operator==(const FlowBranch&, const FlowBranch&) = default;
};

struct DataFlow {
  std::string title;
  std::vector<FlowStep> steps;
  std::vector<FlowBranch> branches;

  friend bool operator==(const DataFlow&, const DataFlow&) = default;
};

// flow.json: {"version": 1, "title", "steps": [{"label", "count", "note", "losses": [{"reason",
// "count"}]}], "branches": [{"name", "steps"}]}.
[[nodiscard]] std::string flow_to_json(const DataFlow& flow);

// Nothing when there is no such file, which is so for folders that older versions wrote. Throws
// Error{kUnreadable} naming a damaged file and Error{kUnsupported} for another version of it.
[[nodiscard]] std::optional<DataFlow> read_flow(const std::filesystem::path& file);

// Stages from top to bottom with their counts, each loss with its reason, branches beside each
// other. Empty without a stage.
[[nodiscard]] Html flow_diagram(const DataFlow& flow);

}  // namespace marrow
