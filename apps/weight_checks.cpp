#include "apps/weight_checks.h"

#include <map>
#include <memory>

#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>

#include "apps/parts.h"
#include "apps/run_folder.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "models/training/checkpoint.h"
#include "models/training/precision.h"

namespace marrow {

namespace {

void check_finite(const TensorFile& content, const std::string& file) {
  for (const auto& [name, tensor] : content.tensors) {
    if (tensor.is_floating_point() && !at::isfinite(tensor).all().item<bool>()) {
      run_is_damaged(file + ": \"" + printable(name) + "\" holds values that are not finite");
    }
  }
}

// Of step N or the best one: `metadata` of a file that was read whole.
std::string check_checkpoint_origin(const RunFiles& run,
                                    const std::map<std::string, std::string>& metadata,
                                    const std::string& file) {
  const auto text = [&](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  if (text("config") != run.config_yaml) {
    run_is_damaged(file + " is of a run with another configuration than config.yaml");
  }
  if (run.manifest.contains("seed") && text("seed") != run.manifest["seed"].dump()) {
    run_is_damaged(file + " is of a run with seed " + printable(text("seed")) + ", not " +
                   run.manifest["seed"].dump());
  }
  static_cast<void>(compute_mode_from_name(text("compute_mode")));
  if (text("data_fingerprint") == run.word("data_fingerprint")) {
    return "";
  }
  if (run.word("command").find("--accept-changed-data") == std::string::npos) {
    run_is_damaged(file + " is of a run on other data than the manifest says");
  }
  return ", on data that have changed since (accepted)";
}

std::string check_checkpoint(const RunFiles& run, const std::filesystem::path& path) {
  const std::string file = path.filename().string();
  const Checkpoint checkpoint = read_checkpoint(path);
  check_finite(checkpoint.content, file);
  if (path != checkpoint_path(run.folder, checkpoint.step)) {
    run_is_damaged(fmt::format("{} is of step {}", file, checkpoint.step));
  }
  const std::string data = check_checkpoint_origin(run, checkpoint.content.metadata, file);
  return fmt::format("{} tensors, whole and finite{}", checkpoint.content.tensors.size(), data);
}

std::string check_best(const RunFiles& run) {
  const std::filesystem::path path = best_checkpoint_path(run.folder);
  const TensorFile content = read_safetensors(path);
  check_finite(content, "best.safetensors");
  const std::string data = check_checkpoint_origin(run, content.metadata, "best.safetensors");
  const auto step = content.metadata.find("step");
  if (step == content.metadata.end()) {
    run_is_damaged("best.safetensors names no step");
  }
  if (run.manifest.contains("best_step") && run.manifest["best_step"].dump() != step->second) {
    run_is_damaged(fmt::format("best.safetensors is of step {}, the manifest's best is {}",
                               printable(step->second),
                               run.manifest["best_step"].dump()));
  }
  return fmt::format(
      "step {}, {} tensors, whole and finite{}", step->second, content.tensors.size(), data);
}

std::string check_last_checkpoint(const RunFiles& run) {
  const std::vector<std::filesystem::path> files = checkpoint_files(run.folder);
  if (!run.finished()) {
    return files.empty() ? "none yet" : "the same command goes on from the last one";
  }
  const auto steps = run.manifest.value("steps", std::int64_t{0});
  if (files.empty() || files.back() != checkpoint_path(run.folder, steps)) {
    run_is_damaged(fmt::format("the run ended at step {}, but its last checkpoint is {}",
                               steps,
                               files.empty() ? "missing" : files.back().filename().string()));
  }
  return fmt::format("the last one is of the run's last step, {}", steps);
}

nlohmann::json encoder_json(const RunFiles& run) {
  const std::filesystem::path file = run.folder / "encoder" / "config.json";
  nlohmann::json json = nlohmann::json::parse(read_text(file), nullptr, false);
  if (!json.is_object() || json.value("version", 0) != 1 || !json.contains("encoder_yaml") ||
      !json["encoder_yaml"].is_string()) {
    run_is_damaged("encoder/config.json is damaged or of another version");
  }
  return json;
}

std::shared_ptr<Encoder> described_encoder(const nlohmann::json& json) {
  const Config config =
      Config::from_text(json["encoder_yaml"].get<std::string>(), "encoder/config.json");
  const ConfigSection section = config.section("encoder");
  return encoders().find(section.part_name("")).make(section);
}

std::string check_encoder_config(const RunFiles& run) {
  const nlohmann::json json = encoder_json(run);
  if (json["encoder_yaml"] != yaml_section(run.config_yaml, "encoder")) {
    run_is_damaged("encoder/config.json describes another network than config.yaml");
  }
  const std::shared_ptr<Encoder> encoder = described_encoder(json);
  nlohmann::json stages = nlohmann::json::array();
  for (const Encoder::Stage& stage : encoder->stages()) {
    stages.push_back({{"channels", stage.channels}, {"stride", stage.stride}});
  }
  if (json.value("dimensions", 0) != encoder->dimensions() ||
      json.value("input_channels", std::int64_t{0}) != encoder->input_channels() ||
      json.value("stages", nlohmann::json()) != stages) {
    run_is_damaged("encoder/config.json: its stages are not those of the network it describes");
  }
  return fmt::format("{}D, {} stages", encoder->dimensions(), stages.size());
}

// Whether the exported weights are those of the checkpoint they were exported at; empty when they
// cannot be compared.
std::string check_against_checkpoint(const RunFiles& run, const TensorFile& exported) {
  const std::filesystem::path path =
      checkpoint_path(run.folder, run.manifest.value("steps", std::int64_t{0}));
  if (!run.finished() || !std::filesystem::exists(path)) {
    return "";
  }
  TensorFile checkpoint;
  try {
    checkpoint = read_safetensors(path);
  } catch (const Error&) {  // a check of its own says why
    return ", not compared: the last checkpoint cannot be read";
  }
  for (const auto& [name, tensor] : exported.tensors) {
    at::Tensor trained = checkpoint.find("ema.encoder." + name);
    if (!trained.defined()) {
      trained = checkpoint.find("model.encoder." + name);
    }
    if (!trained.defined()) {
      return "";
    }
    if (!at::equal(trained, tensor)) {
      run_is_damaged("encoder/model.safetensors: \"" + printable(name) + "\" is not that of " +
                     path.filename().string());
    }
  }
  return ", equal to " + path.filename().string();
}

std::string check_encoder_weights(const RunFiles& run) {
  const TensorFile content = read_safetensors(run.folder / "encoder" / "model.safetensors");
  const std::shared_ptr<Encoder> encoder = described_encoder(encoder_json(run));
  restore_weights(*encoder, content, "");
  check_finite(content, "encoder/model.safetensors");
  return fmt::format("{} tensors fit the network and are finite{}",
                     content.tensors.size(),
                     check_against_checkpoint(run, content));
}

std::string check_decoder(const RunFiles& run) {
  const TensorFile content = read_safetensors(run.folder / "encoder" / "decoder.safetensors");
  check_finite(content, "encoder/decoder.safetensors");
  return fmt::format("{} tensors, whole and finite", content.tensors.size());
}

std::string check_encoder_recipe(const RunFiles& run) {
  const RecipeOptions exported =
      recipe_from_json(read_text(run.folder / "encoder" / "preprocessor.json"));
  const std::string difference = recipe_difference(read_run(run.folder).recipe, exported);
  if (!difference.empty()) {
    run_is_damaged("encoder/preprocessor.json is another recipe than config.yaml's (" + difference +
                   ")");
  }
  return "the recipe of config.yaml";
}

}  // namespace

void run_is_damaged(const std::string& sentence) {
  throw Error(ErrorCode::kUnreadable, sentence);
}

std::vector<Check> weight_checks(const RunFiles& run) {
  std::vector<Check> checks;
  const auto add = [&](const std::string& name, std::string (*body)(const RunFiles&)) {
    checks.push_back(check_of(name, [&] { return body(run); }));
  };
  add("checkpoints", check_last_checkpoint);
  for (const std::filesystem::path& file : checkpoint_files(run.folder)) {
    checks.push_back(check_of("checkpoint." + file.stem().string(),
                              [&] { return check_checkpoint(run, file); }));
  }
  if (std::filesystem::exists(best_checkpoint_path(run.folder))) {
    add("checkpoint.best", check_best);
  }
  if (run.finished() || std::filesystem::exists(run.folder / "encoder")) {
    add("encoder.config", check_encoder_config);
    add("encoder.weights", check_encoder_weights);
    add("encoder.recipe", check_encoder_recipe);
  }
  if (std::filesystem::exists(run.folder / "encoder" / "decoder.safetensors")) {
    add("encoder.decoder", check_decoder);
  }
  return checks;
}

}  // namespace marrow
