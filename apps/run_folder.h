#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clinical/report/data_flow.h"
#include "core/config/config.h"
#include "core/files.h"
#include "models/encoder.h"
#include "models/training/trainer.h"
#include "volumes/preprocess/recipe.h"

namespace marrow {

struct CommandContext;

// A run folder while a command owns it: locked, logged into run.log.
class RunFolder {
 public:
  // Throws Error{kRefused} when another process uses the folder, or when it holds files that are no
  // run of ours.
  explicit RunFolder(const std::filesystem::path& folder);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return folder_; }

  void write_config(const std::string& yaml) const;
  // flow.json: what became of the data.
  void write_flow(const DataFlow& flow) const;
  // manifest.json: program and library versions, command, seed, threads, device, fingerprint, time,
  // memory, and SHA-256 digests of config.yaml and, with a result, of all files in encoder/: call
  // it after those were written.
  void write_manifest(const CommandContext& context,
                      const std::string& task,
                      const std::string& data_fingerprint,
                      const std::map<std::string, std::string>& facts,
                      const TrainResult* result) const;

 private:
  std::filesystem::path folder_;
  FolderLock lock_;
  std::string started_utc_;
};

// RUN/encoder/: model.safetensors, config.json (name and options of the encoder), preprocessor.json
// (the recipe), README.md; and decoder.safetensors, where `decoder` is a pretrained one (else
// null).
void export_encoder(const std::filesystem::path& run,
                    const Encoder& encoder,
                    const torch::nn::Module* decoder,
                    const std::string& encoder_yaml,
                    const RecipeOptions& recipe,
                    const std::string& sentence);

// The weights that export_encoder wrote into the same network; returns their file. Throws
// Error{kNothingFound} when the run has not ended yet.
std::filesystem::path load_exported_encoder(const std::filesystem::path& run, Encoder& encoder);

// What a run folder was made with. Throws Error{kNothingFound} when it is no run folder.
struct RunDescription {
  std::filesystem::path folder;
  Config config;
  std::string config_yaml;
  RecipeOptions recipe;
  std::string task;  // "pretrain" | "import" | "segment" | "classify"
  std::map<std::string, std::string> facts;

  // Throws Error{kUnreadable} when the manifest lacks it.
  [[nodiscard]] const std::string& fact(const std::string& name) const;
  // Its lines "number=name", such as those of "classes". Throws as fact().
  [[nodiscard]] std::vector<std::pair<double, std::string>> numbered_names(
      const std::string& name) const;
  // Throws Error{kUnreadable}: the manifest is not as the program wrote it, because of `what`.
  [[noreturn]] void refuse_manifest(const std::string& what) const;
};

// Throws Error{kNothingFound} where there is no run, Error{kUnreadable} where its manifest is
// damaged.
[[nodiscard]] RunDescription read_run(const std::filesystem::path& run);

// The part of a resolved YAML dump that is section `name`.
[[nodiscard]] std::string yaml_section(const std::string& yaml, const std::string& name);

[[nodiscard]] std::string utc_now();

}  // namespace marrow
