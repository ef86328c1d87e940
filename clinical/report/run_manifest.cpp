#include "clinical/report/run_manifest.h"

#include <nlohmann/json.hpp>

#include "clinical/report/report_files.h"
#include "clinical/tasks/classification_options.h"
#include "core/config/config.h"
#include "core/error.h"
#include "core/files.h"
#include "volumes/preprocess/recipe.h"

namespace marrow {

namespace {

constexpr double kNarrowWindowHu = 800;  // wider training windows show no soft tissue to a reader

// Strings as they are, numbers and booleans as JSON writes them, anything else as nothing.
std::string manifest_text(const nlohmann::json& manifest, const char* key) {
  const auto value = manifest.find(key);
  if (value == manifest.end() || value->is_null() || value->is_structured()) {
    return {};
  }
  return value->is_string() ? value->get<std::string>() : value->dump();
}

double manifest_number(const nlohmann::json& manifest, const char* key) {
  const auto value = manifest.find(key);
  return value != manifest.end() && value->is_number() ? value->get<double>()
                                                       : std::numeric_limits<double>::quiet_NaN();
}

std::vector<std::pair<std::string, std::string>> manifest_pairs(const nlohmann::json& manifest,
                                                                const char* key) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto object = manifest.find(key);
  if (object != manifest.end() && object->is_object()) {
    for (const auto& [name, value] : object->items()) {
      pairs.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return pairs;
}

IntensityWindow ct_window(const std::vector<double>& window_hu) {
  const bool usable = window_hu.size() == 2 && window_hu[0] < window_hu[1] &&
                      window_hu[1] - window_hu[0] <= kNarrowWindowHu;
  return usable ? IntensityWindow{window_hu[0], window_hu[1], "CT"} : soft_tissue_window();
}

// How pictures are drawn follows the configuration; one that this version cannot read (another
// version's) is still shown as text, and only these niceties are lost.
void read_drawing(const std::filesystem::path& file, RunManifest& run) {
  const std::string& yaml = run.provenance.config;
  run.normalised_blocks = yaml.find("normalise_patches: true") != std::string::npos;
  try {
    const Config config = Config::from_text(yaml, file.string());
    run.method = config.section("method").part_name("");
    run.encoder = config.section("encoder").part_name("");
    run.select = config.section(std::string(ClassificationOptions::kName))
                     .parse<ClassificationOptions>()
                     .select;
    const auto recipe = config.section("prepare").parse<RecipeOptions>();
    if (config.has("prepare") && recipe.modality == "ct") {
      run.window = ct_window(recipe.window_hu);
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidArgument) {
      throw;
    }
  }
}

}  // namespace

nlohmann::json read_report_json(const std::filesystem::path& file) {
  nlohmann::json json = nlohmann::json::parse(read_text(file), nullptr, false);
  if (json.is_discarded()) {
    throw Error(ErrorCode::kUnreadable,
                "report: expected JSON, found something else in " + file.string() +
                    "; make the file again with the command that wrote it");
  }
  return json;
}

RunManifest read_run_manifest(const std::filesystem::path& run) {
  const std::filesystem::path manifest_file = run / "manifest.json";
  const std::filesystem::path config_file = run / "config.yaml";
  if (!std::filesystem::exists(manifest_file) && !std::filesystem::exists(config_file)) {
    throw Error(ErrorCode::kNothingFound,
                "report: expected a run folder, found neither manifest.json nor config.yaml in " +
                    run.string() + "; name the folder that --out named");
  }
  RunManifest result;
  if (std::filesystem::exists(manifest_file)) {
    const nlohmann::json manifest = read_report_json(manifest_file);
    if (!manifest.is_object()) {
      throw Error(ErrorCode::kUnreadable,
                  "report: expected a JSON object, found another value in " +
                      manifest_file.string() + "; make the run again");
    }
    result.task = manifest_text(manifest, "task");
    for (auto& [name, value] : manifest_pairs(manifest, "facts")) {
      result.facts[name] = value;
    }
    result.steps = static_cast<std::int64_t>(manifest.value("steps", nlohmann::json()).is_number()
                                                 ? manifest_number(manifest, "steps")
                                                 : 0);
    result.loss = manifest_number(manifest, "loss");
    ReportProvenance& provenance = result.provenance;
    provenance.program_version = manifest_text(manifest, "program_version");
    provenance.libraries = manifest_pairs(manifest, "libraries");
    provenance.command = manifest_text(manifest, "command");
    provenance.data_fingerprint = manifest_text(manifest, "data_fingerprint");
    provenance.seed = manifest_text(manifest, "seed");
    provenance.started_utc = manifest_text(manifest, "started_utc");
    provenance.seconds = manifest_number(manifest, "seconds");
    provenance.peak_rss_mb = manifest_number(manifest, "peak_rss_mb");
    provenance.threads = manifest_text(manifest, "threads");
    provenance.device = manifest_text(manifest, "device");
    const std::string mode = manifest_text(manifest, "compute_mode");
    provenance.device += mode.empty() || provenance.device.empty() ? mode : ", " + mode;
  }
  if (std::filesystem::exists(config_file)) {
    result.provenance.config = read_text(config_file);
    read_drawing(config_file, result);
  }
  return result;
}

ReportProvenance read_provenance(const std::filesystem::path& run) {
  return read_run_manifest(run).provenance;
}

}  // namespace marrow
