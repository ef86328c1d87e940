#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "clinical/report/report_input.h"

namespace marrow {

// What `marrow report` was asked for. Only `run` is needed.
struct ReportSources {
  std::filesystem::path run;          // the run to report: of any task
  std::filesystem::path pretraining;  // the run that it started from; empty: none
  std::filesystem::path scratch;  // a run from scratch, evaluated on the same cases; empty: none
  std::string title;              // empty: made from the manifests
  std::string date;               // as it shall be printed
  std::optional<Estimate>
      difference;  // run - scratch in mean Dice or AUROC; absent: computed from both summaries
  std::vector<LabelCurve> label_curves;
  std::vector<std::string> limits;
  std::vector<std::string> unfamiliar;
};

// Reads what the runs wrote: manifest.json, config.yaml, flow.json, metrics.jsonl,
// examples/recon-<n>-{original,masked,hidden,restored}.nii.gz, evaluation/summary.json,
// evaluation/flow.json and evaluation/pictures.json. Only a folder with neither manifest.json nor
// config.yaml is no run; anything else that is missing leaves its part of the page out.
//
// Throws Error{kNothingFound} for a folder that is no run, Error{kUnreadable} naming the damaged
// file, and Error{kInvalidArgument} when run and scratch were not scored on the same cases.
[[nodiscard]] ReportInput collect_report(const ReportSources& sources);

// manifest.json and config.yaml of one run; missing keys stay empty.
[[nodiscard]] ReportProvenance read_provenance(const std::filesystem::path& run);

// At most four triplets, by number. recon-<n>-hidden.nii.gz (1: hidden) may be missing, which is so
// in runs of older versions.
[[nodiscard]] std::vector<ReconstructionPictures> read_reconstructions(
    const std::filesystem::path& run);

// evaluation/pictures.json with its volumes; paths are relative to the run and may not leave it.
[[nodiscard]] std::vector<CasePictures> read_case_pictures(const std::filesystem::path& run);

}  // namespace marrow
