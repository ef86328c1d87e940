#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/input_contract.h"
#include "apps/parts.h"
#include "apps/run_folder.h"
#include "apps/training_data.h"
#include "models/training/trainer.h"

namespace marrow {

struct CommandContext;

struct FinetuneArguments {
  std::string task;  // "segment" | "classify"
  std::string from;  // a run folder, or "none"
  std::filesystem::path data;
  std::string cases;
  std::filesystem::path out;
  bool accept_changed_data = false;
  std::string contract = "match";

  [[nodiscard]] bool from_scratch() const { return from == "none"; }
};

// The command's configuration with the sections that a pretrained run decides (encoder, and the
// recipe unless --contract override). Throws Error{kRefused} for what contradicts them.
[[nodiscard]] Config config_with_pretrained(const CommandContext& context,
                                            const FinetuneArguments& arguments);

// The encoder that the run was pretrained with into `encoder`; nothing from scratch.
void load_pretrained(Encoder& encoder, const FinetuneArguments& arguments);

// What every fine-tuning does with its data before it trains.
struct FinetuneCases {
  std::vector<std::string> training;    // keys
  std::vector<std::string> validation;  // keys
  std::vector<std::int64_t> store_training;
  std::vector<std::int64_t> store_validation;
};

// The cases in the store; each training case is checked against what the encoder was pretrained on
// and for its channels.
[[nodiscard]] FinetuneCases finetune_cases(const TrainingData& data,
                                           std::vector<std::string> training,
                                           std::vector<std::string> validation,
                                           const Encoder& encoder,
                                           const FinetuneArguments& arguments);

// A fine-tuning that is ready to run.
struct Finetuning {
  std::shared_ptr<Objective> task;
  std::shared_ptr<Encoder> encoder;
  std::string encoder_name;
  std::unique_ptr<BatchSource> batches;
  TrainOptions train;
  std::string yaml;                          // resolved
  std::map<std::string, std::string> facts;  // of the task, for the manifest
  std::string labels;  // of all cases, where they are not among the images of the store
  std::function<double(std::int64_t step, const ComputeMode& mode)> validate;  // may be empty
};

// Run folder, training, export and answer. Returns the exit code.
int run_finetuning(const CommandContext& context,
                   const FinetuneArguments& arguments,
                   const TrainingData& data,
                   const RecipeOptions& recipe,
                   const FinetuneCases& cases,
                   const Finetuning& finetuning);

int finetune_segment(const CommandContext& context, const FinetuneArguments& arguments);
int finetune_classify(const CommandContext& context, const FinetuneArguments& arguments);

}  // namespace marrow
