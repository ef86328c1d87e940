#include "clinical/report/flow_part.h"

#include <optional>

namespace marrow {

void add_flows(const ReportSources& sources, ReportInput& input) {
  const bool pretraining_only =
      input.kind == ReportKind::kPretraining || input.kind == ReportKind::kImport;
  bool pretraining_gap = false;
  if (!sources.pretraining.empty()) {
    const std::optional<DataFlow> flow = read_flow(sources.pretraining / "flow.json");
    pretraining_gap = !flow;
    if (flow) {
      input.flows.push_back(*flow);
    }
  }
  const std::optional<DataFlow> run = read_flow(sources.run / "flow.json");
  const std::optional<DataFlow> scored =
      pretraining_only ? std::nullopt : read_flow(sources.run / "evaluation" / "flow.json");
  if (run && !(scored && scored->title == run->title)) {
    input.flows.push_back(*run);
  }
  if (scored) {
    input.flows.push_back(*scored);
  }
  if (input.flows.empty()) {
    return;  // nothing was counted: no section at all
  }
  if (pretraining_gap) {
    input.flow_gaps.emplace_back("The pretraining run did not record what became of its data.");
  }
  if (!run) {
    input.flow_gaps.emplace_back("The run itself did not record what became of its data.");
  }
  if (!pretraining_only && !scored && (input.scores || input.classification)) {
    input.flow_gaps.emplace_back("The evaluation did not record how many cases it refused.");
  }
}

}  // namespace marrow
