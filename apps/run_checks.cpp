#include "apps/run_checks.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <map>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/parts.h"
#include "apps/run_folder.h"
#include "apps/segmentation_model.h"
#include "apps/weight_checks.h"
#include "clinical/report/data_flow.h"
#include "clinical/tasks/classification_options.h"
#include "clinical/tasks/segmentation.h"
#include "core/digest.h"
#include "core/files.h"
#include "core/text.h"
#include "models/training/trainer.h"
#include "volumes/augment/augmenter.h"

namespace marrow {

namespace {

// Weights of other tools: nothing was trained.
bool is_import(const RunFiles& run) {
  return run.word("task") == "import";
}

// Throws unless this program knows the section and every key and value in it.
void resolve_section(const Config& config, const std::string& name) {
  const ConfigSection section = config.section(name);
  const auto resolve_part = [&](const auto& registry) {
    static_cast<void>(registry.find(section.part_name("")).describe(section));
  };
  const std::map<std::string, std::function<void()>> known = {
      {"encoder", [&] { resolve_part(encoders()); }},
      {"method", [&] { resolve_part(ssl_methods()); }},
      {"head",
       [&] {
         if (config.has("classification")) {
           resolve_part(classifier_heads());
         } else {
           resolve_part(heads());
         }
       }},
      {"sampler", [&] { resolve_part(samplers()); }},
      {"prepare", [&] { static_cast<void>(section.parse<RecipeOptions>()); }},
      {"data", [&] { static_cast<void>(section.parse<DataOptions>()); }},
      {"augment", [&] { static_cast<void>(section.parse<AugmentOptions>()); }},
      {"train", [&] { static_cast<void>(section.parse<TrainOptions>()); }},
      {"classification", [&] { static_cast<void>(section.parse<ClassificationOptions>()); }},
      {"segmentation", [&] { static_cast<void>(section.parse<SegmentationOptions>()); }},
      {"inference", [&] { static_cast<void>(section.parse<InferenceOptions>()); }},
  };
  const auto found = known.find(name);
  if (found == known.end()) {
    run_is_damaged("config.yaml: this program knows no section \"" + printable(name) + "\"");
  }
  found->second();
}

std::string check_config(const RunFiles& run) {
  const Config config = Config::from_text(run.config_yaml, (run.folder / "config.yaml").string());
  std::vector<std::string> sections;
  for (const std::string& line : split_words(run.config_yaml, '\n')) {
    if (!line.empty() && line.front() != ' ' && line.back() == ':') {
      sections.push_back(line.substr(0, line.size() - 1));
      resolve_section(config, sections.back());
    }
  }
  std::vector<std::string> needed = {"prepare", "encoder"};
  if (!is_import(run)) {
    needed.emplace_back("train");
  }
  for (const std::string& section : needed) {
    if (!config.has(section)) {
      run_is_damaged("config.yaml: the section \"" + section + "\" is missing");
    }
  }
  return fmt::format("{} sections, all settings known", sections.size());
}

std::string check_manifest(const RunFiles& run) {
  static_cast<void>(read_run(run.folder));  // its version
  for (const char* key :
       {"program_version", "task", "command", "data_fingerprint", "started_utc"}) {
    if (!run.manifest.contains(key) || !run.manifest[key].is_string()) {
      run_is_damaged(std::string("manifest.json: \"") + key + "\" is missing");
    }
  }
  const bool same = run.word("program_version") == MARROW_VERSION;
  return fmt::format("{} of version {}{}, started {}, {}",
                     printable(run.word("task")),
                     printable(run.word("program_version")),
                     same ? "" : " (this program is " MARROW_VERSION ")",
                     printable(run.word("started_utc")),
                     is_import(run)   ? std::string("nothing to train")
                     : run.finished() ? fmt::format("ended after {} steps",
                                                    run.manifest.value("steps", std::int64_t{0}))
                                      : "not ended");
}

// Whether the command and its inputs are there to repeat the run.
std::string check_provenance(const RunFiles& run) {
  const std::string command = run.word("command");
  const std::string task = run.word("task");
  const std::string verb = task == "pretrain" || task == "import" ? task : "finetune";
  const std::vector<std::string> words = split_words(command, ' ');
  const bool names_it = std::find(words.begin(), words.end(), verb) != words.end();
  // A trial pretrains its arms itself.
  const bool of_a_trial = std::find(words.begin(), words.end(), "--ab") != words.end();
  if (!names_it && !of_a_trial) {
    run_is_damaged("manifest.json: the command is no " + verb + ": \"" + printable(command) + "\"");
  }
  if (!run.manifest.contains("seed") || !run.manifest.contains("threads")) {
    run_is_damaged("manifest.json: seed or threads are missing, without which nothing repeats");
  }
  return "repeat with: " + printable(command, 4000);
}

std::string check_files(const RunFiles& run) {
  if (!run.manifest.contains("files")) {
    return "not compared: the manifest is of an earlier version and holds no digests";
  }
  std::size_t count = 0;
  for (const auto& [name, digest] : run.manifest["files"].items()) {
    const std::filesystem::path file = run.folder / name;
    if (!lies_within(file, run.folder)) {
      run_is_damaged("manifest.json names a file outside of the run: " + printable(name));
    }
    if (!std::filesystem::exists(file)) {
      run_is_damaged(printable(name) + " is missing");
    }
    if (!digest.is_string() || sha256_file(file) != digest.get<std::string>()) {
      run_is_damaged(printable(name) +
                     " is not what the run wrote: its SHA-256 differs from the manifest's");
    }
    ++count;
  }
  return fmt::format("{} files as the run wrote them (SHA-256)", count);
}

std::string check_metrics(const RunFiles& run) {
  if (is_import(run)) {
    return "none: nothing was trained";
  }
  std::ifstream file(run.folder / "metrics.jsonl");
  if (!file) {
    run_is_damaged("metrics.jsonl is missing");
  }
  std::int64_t line_number = 0;
  std::int64_t step = 0;
  for (std::string line; std::getline(file, line);) {
    ++line_number;
    const nlohmann::json row = nlohmann::json::parse(line, nullptr, false);
    if (!row.is_object() || !row.contains("step") || !row["step"].is_number_integer()) {
      run_is_damaged(fmt::format("metrics.jsonl: line {} is no row of metrics", line_number));
    }
    const auto next = row["step"].get<std::int64_t>();
    if (next < step || next < 1) {
      run_is_damaged(fmt::format(
          "metrics.jsonl: line {} is of step {} after step {}", line_number, next, step));
    }
    step = next;
  }
  const auto steps = run.manifest.value("steps", std::int64_t{0});
  if (run.finished() && step != steps) {
    run_is_damaged(fmt::format("metrics.jsonl ends at step {}, the run at step {}", step, steps));
  }
  return fmt::format("{} rows, the last of step {}", line_number, step);
}

std::string check_flow(const RunFiles& run) {
  return read_flow(run.folder / "flow.json").has_value() ? "readable"
                                                         : "none: of an earlier version";
}

}  // namespace

std::vector<Check> run_checks(const std::filesystem::path& folder) {
  RunFiles run;
  run.folder = folder;
  if (!std::filesystem::exists(folder / "config.yaml") ||
      !std::filesystem::exists(folder / "manifest.json")) {
    static_cast<void>(read_run(folder));  // says what is missing, and the nearest name
  }
  run.config_yaml = read_text(folder / "config.yaml");
  nlohmann::json manifest =
      nlohmann::json::parse(read_text(folder / "manifest.json"), nullptr, false);
  if (manifest.is_object()) {
    run.manifest = std::move(manifest);
  }
  std::vector<Check> checks;
  const auto add = [&](const std::string& name, std::string (*body)(const RunFiles&)) {
    checks.push_back(check_of(name, [&] { return body(run); }));
  };
  add("config", check_config);
  add("manifest", check_manifest);
  add("provenance", check_provenance);
  add("files", check_files);
  add("flow", check_flow);
  add("metrics", check_metrics);
  const std::vector<Check> weights = weight_checks(run);
  checks.insert(checks.end(), weights.begin(), weights.end());
  return checks;
}

}  // namespace marrow
