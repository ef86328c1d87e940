#include "clinical/report/report_files.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "clinical/report/classification_part.h"
#include "clinical/report/evaluation_part.h"
#include "clinical/report/flow_part.h"
#include "clinical/report/picture_panel.h"
#include "clinical/report/run_manifest.h"
#include "clinical/report/run_top.h"
#include "core/error.h"
#include "core/text.h"
#include "io/nifti/nifti.h"

namespace marrow {

namespace {

constexpr int kTriplets = 4;
constexpr int kTripletNumbers = 16;  // where the numbering is looked for

// A slice that was cut from an image without patient coordinates.
bool has_patient_grid(const Geometry& geometry) {
  const bool flat = std::count(geometry.size.begin(), geometry.size.end(), 1) > 0;
  return !flat || !geometry.spacing.isOnes(1e-6) || !geometry.direction.isIdentity(1e-6);
}

// Text of a required key of an entry of pictures.json.
std::string picture_key(const nlohmann::json& entry,
                        const char* key,
                        const std::filesystem::path& file) {
  const auto value = entry.find(key);
  if (value == entry.end() || !value->is_string()) {
    throw Error(ErrorCode::kUnreadable,
                std::string("report: expected a text \"") + key +
                    "\" in every entry, found none in " + file.string() +
                    "; run `marrow evaluate` again");
  }
  return value->get<std::string>();
}

std::filesystem::path inside_run(const std::filesystem::path& run,
                                 const std::string& relative,
                                 const std::filesystem::path& file) {
  const std::filesystem::path path = std::filesystem::path(relative).lexically_normal();
  if (path.is_absolute() || path.empty() || *path.begin() == "..") {
    throw Error(ErrorCode::kRefused,
                "report: expected paths inside the run folder, found \"" + printable(relative) +
                    "\" in " + file.string() + "; run `marrow evaluate` again");
  }
  return run / path;
}

// What the network did not see becomes NaN, which pictures draw hatched.
void hide(ReconstructionPictures& triplet, const LabelMap& hidden) {
  require_picture_grid(triplet.key, triplet.masked.geometry, hidden.geometry);
  for (std::size_t i = 0; i < hidden.voxels.size(); ++i) {
    if (hidden.voxels[i] != 0) {
      triplet.masked.voxels[i] = std::numeric_limits<float>::quiet_NaN();
    }
  }
  triplet.hidden_known = true;
}

// What the "validation" column of a run holds, which is the figure that chose its best checkpoint.
std::string validation_name(const RunManifest& run) {
  if (run.task == "pretrain" || run.task == "import") {
    return "validation";
  }
  return run.task == "classify" ? "validation_" + run.select : "validation_dice";
}

std::optional<LearningCurves> read_curves(const std::filesystem::path& run,
                                          const std::string& title,
                                          const std::string& validation) {
  const std::filesystem::path file = run / "metrics.jsonl";
  if (run.empty() || !std::filesystem::exists(file)) {
    return std::nullopt;
  }
  LearningCurves curves{title, read_metrics(file), {}};
  for (MetricCurve& curve : curves.curves) {
    if (curve.name == "validation") {
      curve.name = validation;
    }
  }
  return curves;
}

}  // namespace

std::vector<ReconstructionPictures> read_reconstructions(const std::filesystem::path& run) {
  std::vector<ReconstructionPictures> triplets;
  for (int n = 0; n < kTripletNumbers && static_cast<int>(triplets.size()) < kTriplets; ++n) {
    const auto file = [&](const char* what) {
      return run / "examples" / fmt::format("recon-{}-{}.nii.gz", n, what);
    };
    if (!std::filesystem::exists(file("original")) || !std::filesystem::exists(file("masked")) ||
        !std::filesystem::exists(file("restored"))) {
      continue;
    }
    ReconstructionPictures triplet;
    triplet.key = std::to_string(triplets.size() + 1);
    triplet.original = read_nifti(file("original"));
    triplet.masked = read_nifti(file("masked"));
    triplet.restored = read_nifti(file("restored"));
    if (std::filesystem::exists(file("hidden"))) {
      hide(triplet, read_nifti_labels(file("hidden")));
    }
    triplet.window = robust_window(triplet.original);
    triplet.window->name = "normalised intensity";
    triplet.patient_geometry = has_patient_grid(triplet.original.geometry);
    triplets.push_back(std::move(triplet));
  }
  return triplets;
}

std::vector<CasePictures> read_case_pictures(const std::filesystem::path& run) {
  const std::filesystem::path file = run / "evaluation" / "pictures.json";
  if (!std::filesystem::exists(file)) {
    return {};
  }
  const nlohmann::json list = read_report_json(file);
  if (!list.is_array()) {
    throw Error(ErrorCode::kUnreadable,
                "report: expected a list of cases, found another value in " + file.string() +
                    "; run `marrow evaluate` again");
  }
  std::vector<CasePictures> cases;
  for (const nlohmann::json& entry : list) {
    CasePictures pictures;
    pictures.key = picture_key(entry, "key", file);
    pictures.rank = entry.contains("rank") ? picture_key(entry, "rank", file) : "";
    if (entry.contains("dice") && entry["dice"].is_number()) {
      pictures.score.value = entry["dice"].get<double>();
    }
    pictures.image = read_nifti(inside_run(run, picture_key(entry, "image", file), file));
    pictures.reference =
        read_nifti_labels(inside_run(run, picture_key(entry, "reference", file), file));
    pictures.prediction =
        read_nifti_labels(inside_run(run, picture_key(entry, "prediction", file), file));
    pictures.patient_geometry = has_patient_grid(pictures.image.geometry);
    cases.push_back(std::move(pictures));
  }
  return cases;
}

ReportInput collect_report(const ReportSources& sources) {
  const RunManifest run = read_run_manifest(sources.run);
  std::optional<RunManifest> pretraining;
  if (!sources.pretraining.empty()) {
    pretraining = read_run_manifest(sources.pretraining);
  }
  ReportInput input;
  input.kind = report_kind(run, pretraining);
  const bool pretrain_run = input.kind == ReportKind::kPretraining;
  input.title = sources.title.empty() ? report_title(run, pretraining) : sources.title;
  input.date = sources.date;
  input.label_curves = sources.label_curves;
  input.limits = sources.limits;
  input.unfamiliar = sources.unfamiliar;

  const std::filesystem::path& examples = pretrain_run ? sources.run : sources.pretraining;
  if (!examples.empty()) {
    input.reconstructions = read_reconstructions(examples);
    input.true_contrast = (pretrain_run ? run : *pretraining).normalised_blocks;
  }
  if (pretrain_run) {
    input.cards = pretraining_cards(run);
  } else if (input.kind == ReportKind::kClassification) {
    add_classification(sources, input);
  } else if (input.kind != ReportKind::kImport) {
    input.cases = read_case_pictures(sources.run);
    for (CasePictures& pictures : input.cases) {
      pictures.window = run.window;
    }
    add_evaluation(sources, input);
  }

  add_flows(sources, input);
  if (pretraining) {
    if (auto curves =
            read_curves(sources.pretraining, "Pretraining", validation_name(*pretraining))) {
      input.learning.push_back(std::move(*curves));
    }
    input.provenance.push_back(pretraining->provenance);
    input.provenance.back().run = "Pretraining";
  }
  std::optional<RunManifest> scratch;
  if (!sources.scratch.empty()) {
    scratch = read_run_manifest(sources.scratch);
  }
  const std::string name = pretrain_run                        ? "Pretraining"
                           : input.kind == ReportKind::kImport ? "Import"
                                                               : "Fine-tuning";
  if (auto curves = read_curves(sources.run, name, validation_name(run))) {
    if (scratch) {
      if (auto compared = read_curves(sources.scratch, name, validation_name(*scratch))) {
        curves->compared = std::move(compared->curves);
      }
    }
    input.learning.push_back(std::move(*curves));
  }
  input.provenance.push_back(run.provenance);
  if (pretraining || scratch) {
    input.provenance.back().run = name;
  }
  if (scratch) {
    input.provenance.push_back(scratch->provenance);
    input.provenance.back().run = "From scratch";
  }
  return input;
}

}  // namespace marrow
