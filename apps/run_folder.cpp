#include "apps/run_folder.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <system_error>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "apps/encoder_folder.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "models/training/checkpoint.h"
#include "models/weights/name_families.h"
#include "models/weights/safetensors.h"

namespace marrow {

namespace {

constexpr int kManifestVersion = 1;

// SHA-256 by name of what will not change any more: the configuration, and after the training what
// it exported.
std::map<std::string, std::string> digests_of_run(const std::filesystem::path& run, bool ended) {
  std::map<std::string, std::string> digests = {{"config.yaml", sha256_file(run / "config.yaml")}};
  if (ended) {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(run / "encoder", none)) {
      if (entry.is_regular_file()) {
        digests["encoder/" + entry.path().filename().string()] = sha256_file(entry.path());
      }
    }
  }
  return digests;
}

}  // namespace

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

RunFolder::RunFolder(const std::filesystem::path& folder)
    : folder_(folder), lock_(folder), started_utc_(utc_now()) {
  bool foreign = false;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    foreign = foreign || entry.path().filename() != ".lock";
  }
  if (foreign && !std::filesystem::exists(folder / "config.yaml")) {
    throw Error(
        ErrorCode::kRefused,
        "--out: " + folder.string() + " holds files but no run; name an empty or new folder");
  }
  log::open_file(folder / "run.log");
}

RunFolder::~RunFolder() {
  log::close_file();
}

void RunFolder::write_config(const std::string& yaml) const {
  write_atomically(folder_ / "config.yaml", yaml);
}

void RunFolder::write_flow(const DataFlow& flow) const {
  write_atomically(folder_ / "flow.json", flow_to_json(flow));
}

void RunFolder::write_manifest(const CommandContext& context,
                               const std::string& task,
                               const std::string& data_fingerprint,
                               const std::map<std::string, std::string>& facts,
                               const TrainResult* result) const {
  nlohmann::ordered_json manifest = {
      {"manifest_version", kManifestVersion},
      {"program_version", MARROW_VERSION},
      {"task", task},
      {"command", context.command_line},
      {"seed", context.options.seed},
      {"threads", at::get_num_threads()},
      {"device", at::hasCUDA() ? "cuda available" : "cpu"},
      {"data_fingerprint", data_fingerprint},
      {"started_utc", started_utc_},
      {"libraries", {{"LibTorch", "2.11.0"}}},
      {"facts", facts},
      {"files", digests_of_run(folder_, result != nullptr)},
  };
  if (result != nullptr) {
    manifest["finished_utc"] = utc_now();
    manifest["steps"] = result->steps;
    manifest["resumed_from"] = result->resumed_from;
    manifest["compute_mode"] = result->mode.name();
    manifest["loss"] = result->loss;
    manifest["seconds"] = result->seconds;
    manifest["samples_per_second"] = result->samples_per_second;
    manifest["waiting"] = result->waiting;
    manifest["overhead"] = result->overhead;
    manifest["peak_rss_mb"] = static_cast<double>(result->peak_rss) / 1048576.0;
    if (result->best.has_value()) {
      manifest["best"] = *result->best;
      manifest["best_step"] = result->best_step;
    }
  }
  write_atomically(folder_ / "manifest.json", manifest.dump(2) + "\n");
}

std::string yaml_section(const std::string& yaml, const std::string& name) {
  std::string text;
  bool inside = false;
  for (const std::string& line : split_words(yaml, '\n')) {
    if (!line.starts_with(' ')) {
      inside = line == name + ":";
    }
    if (inside && !line.empty()) {
      text += line + "\n";
    }
  }
  return text;
}

void export_encoder(const std::filesystem::path& run,
                    const Encoder& encoder,
                    const torch::nn::Module* decoder,
                    const std::string& encoder_yaml,
                    const RecipeOptions& recipe,
                    const std::string& sentence) {
  write_encoder_folder(run / "encoder",
                       encoder,
                       decoder,
                       recipe,
                       {.encoder_yaml = encoder_yaml, .sentence = sentence},
                       own_names().name);
}

std::filesystem::path load_exported_encoder(const std::filesystem::path& run, Encoder& encoder) {
  std::filesystem::path file = run / "encoder" / "model.safetensors";
  if (!std::filesystem::exists(file)) {
    throw Error(ErrorCode::kNothingFound,
                run.string() +
                    " holds no encoder/model.safetensors; let the training end first (the same "
                    "command resumes it)");
  }
  restore_weights(encoder, read_safetensors(file), "");
  return file;
}

const std::string& RunDescription::fact(const std::string& name) const {
  const auto found = facts.find(name);
  if (found == facts.end()) {
    refuse_manifest("it says nothing of \"" + name + "\"");
  }
  return found->second;
}

std::vector<std::pair<double, std::string>> RunDescription::numbered_names(
    const std::string& name) const {
  std::vector<std::pair<double, std::string>> names;
  for (const std::string& line : split_words(fact(name), '\n')) {
    const std::size_t equals = std::min(line.find('='), line.size());
    double number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + equals, number);
    if (error != std::errc{} || end != line.data() + equals || equals == line.size()) {
      refuse_manifest(fmt::format(
          "\"{}\" has the line \"{}\" instead of a number, = and a name", name, printable(line)));
    }
    names.emplace_back(number, line.substr(equals + 1));
  }
  return names;
}

void RunDescription::refuse_manifest(const std::string& what) const {
  throw Error(ErrorCode::kUnreadable,
              (folder / "manifest.json").string() + " is damaged: " + what +
                  "; restore it, or train again");
}

RunDescription read_run(const std::filesystem::path& run) {
  if (!std::filesystem::exists(run / "config.yaml") ||
      !std::filesystem::exists(run / "manifest.json")) {
    std::string hint;
    if (!std::filesystem::exists(run)) {
      std::vector<std::string> siblings;
      const std::filesystem::path parent = run.has_parent_path() ? run.parent_path() : ".";
      std::error_code ignored;
      for (const auto& entry : std::filesystem::directory_iterator(parent, ignored)) {
        siblings.push_back(entry.path().filename().string());
      }
      const std::string nearest = nearest_word(run.filename().string(), siblings);
      hint = nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?";
    }
    throw Error(
        ErrorCode::kNothingFound,
        run.string() + " is no run folder (config.yaml and manifest.json are missing)" + hint);
  }
  RunDescription description;
  description.folder = run;
  description.config_yaml = read_text(run / "config.yaml");
  description.config = Config::from_text(description.config_yaml, (run / "config.yaml").string());
  const nlohmann::json manifest =
      nlohmann::json::parse(read_text(run / "manifest.json"), nullptr, false);
  const auto version = manifest.is_object() ? manifest.find("manifest_version") : manifest.end();
  if (version == manifest.end() || *version != kManifestVersion) {
    throw Error(
        ErrorCode::kUnsupported,
        (run / "manifest.json").string() + " was not written by this version of the program");
  }
  try {
    description.task = manifest.at("task").get<std::string>();
    description.facts = manifest.value("facts", std::map<std::string, std::string>{});
  } catch (const nlohmann::json::exception&) {
    description.refuse_manifest("\"task\" or \"facts\" is missing or of another kind");
  }
  description.recipe = description.config.section("prepare").parse<RecipeOptions>();
  return description;
}

}  // namespace marrow
