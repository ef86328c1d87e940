#include "clinical/report/run_top.h"

#include <algorithm>
#include <cmath>

namespace marrow {

namespace {

std::int64_t listed_words(const std::map<std::string, std::string>& facts, const char* key) {
  const auto value = facts.find(key);
  if (value == facts.end() || value->second.empty()) {
    return 0;
  }
  return 1 + std::count(value->second.begin(), value->second.end(), ',');
}

std::string run_fact(const std::map<std::string, std::string>& facts, const char* key) {
  const auto value = facts.find(key);
  return value == facts.end() ? std::string() : value->second;
}

std::string counted_words(std::int64_t count, const std::string& one) {
  return count_text(count) + " " + one + (count == 1 ? "" : "s");
}

std::string pretraining_title(const RunManifest& run) {
  const std::string volumes = run_fact(run.facts, "volumes");
  return "Pretraining" + (run.method.empty() ? "" : " by " + run.method) +
         (run.encoder.empty() ? "" : " of the encoder " + run.encoder) +
         (volumes.empty() ? "" : " on " + volumes + " unlabelled volumes");
}

std::string import_title(const RunManifest& run) {
  const std::string file = run_fact(run.facts, "imported_from");
  const std::string tensors = run_fact(run.facts, "imported_tensors");
  return "Imported encoder" + (run.encoder.empty() ? "" : " " + run.encoder) +
         (file.empty() ? "" : ", weights from " + file) +
         (tensors.empty() ? "" : " (" + tensors + " tensors)");
}

}  // namespace

ReportKind report_kind(const RunManifest& run, const std::optional<RunManifest>& pretraining) {
  if (run.task == "pretrain") {
    return ReportKind::kPretraining;
  }
  if (run.task == "import") {
    return ReportKind::kImport;
  }
  if (run.task == "classify") {
    return ReportKind::kClassification;
  }
  return pretraining ? ReportKind::kDemo : ReportKind::kSegmentation;
}

std::string report_title(const RunManifest& run, const std::optional<RunManifest>& pretraining) {
  const ReportKind kind = report_kind(run, pretraining);
  if (kind == ReportKind::kPretraining) {
    return pretraining_title(run);
  }
  if (kind == ReportKind::kImport) {
    return import_title(run);
  }
  const std::string data = run_fact(run.facts, "dataset");
  std::string title = kind == ReportKind::kClassification ? "Classification" : "Segmentation";
  title += data.empty() ? "" : " of " + data;
  if (const std::int64_t cases = listed_words(run.facts, "training_cases"); cases > 0) {
    title += ", " + counted_words(cases, "labelled case");
  }
  const std::string from = run_fact(run.facts, "from");
  if (pretraining) {
    const std::string volumes = run_fact(pretraining->facts, "volumes");
    title += ", encoder pretrained" + (volumes.empty() ? "" : " on " + volumes + " scans");
  } else if (from == "none") {
    title += ", trained from scratch";
  } else if (!from.empty()) {
    title += ", encoder pretrained";
  }
  return title;
}

std::vector<ReportCard> pretraining_cards(const RunManifest& run) {
  std::vector<ReportCard> cards;
  const std::string volumes = run_fact(run.facts, "volumes");
  if (!volumes.empty() && volumes.find_first_not_of("0123456789") == std::string::npos &&
      volumes.size() < 10) {
    cards.push_back(
        {"Volumes", {std::stod(volumes)}, CardFormat::kCount, "", "no labels were used"});
  }
  if (std::isfinite(run.loss)) {
    cards.push_back({"Training loss",
                     {run.loss},
                     CardFormat::kScore,
                     "",
                     "mean of the last log interval; comparable only between runs of one method"});
  }
  if (std::isfinite(run.provenance.seconds)) {
    cards.push_back({"Time",
                     {run.provenance.seconds},
                     CardFormat::kSeconds,
                     "",
                     run.steps > 0 ? counted_words(run.steps, "step") : ""});
  }
  return cards;
}

}  // namespace marrow
