#pragma once

#include <optional>
#include <string>
#include <vector>

#include "clinical/report/report_input.h"
#include "clinical/report/run_manifest.h"

namespace marrow {

// What the top of a page takes from the manifests. `pretraining`: the run that `run` started from.

// By the task of the manifest; a run without one is taken for a segmentation.
[[nodiscard]] ReportKind report_kind(const RunManifest& run,
                                     const std::optional<RunManifest>& pretraining);

// "Segmentation of hippocampus, 4 labelled cases, encoder pretrained on 161 scans".
[[nodiscard]] std::string report_title(const RunManifest& run,
                                       const std::optional<RunManifest>& pretraining);

// Volumes, loss and time of a pretraining run, as far as they are known.
[[nodiscard]] std::vector<ReportCard> pretraining_cards(const RunManifest& run);

}  // namespace marrow
