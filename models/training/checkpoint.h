#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <torch/nn/module.h>

#include "models/training/optimizer.h"
#include "models/training/weight_average.h"
#include "models/weights/safetensors.h"

namespace marrow {

// What is needed to go on exactly where a run was: weights and buffers ("model."), optimizer
// ("optimizer."), averaged weights ("ema.", where train.ema asks for them), counters and settings
// (metadata). Batches, masks and augmentation derive from
// (seed, step), so no generator needs saving.
struct Checkpoint {
  std::int64_t step = 0;  // optimizer steps done
  TensorFile content;

  [[nodiscard]] std::string text(const std::string& key) const;  // "" when absent
};

// The step that the metadata of a checkpoint or of best.safetensors name. Throws
// Error{kUnreadable} naming `file`.
[[nodiscard]] std::int64_t step_of(const TensorFile& content, const std::filesystem::path& file);

// RUN/checkpoints/step-00001200.safetensors
[[nodiscard]] std::filesystem::path checkpoint_path(const std::filesystem::path& run,
                                                    std::int64_t step);

// What a training run is made of. `average` may be null.
struct TrainingState {
  const torch::nn::Module& module;
  const AdamW& optimizer;
  const WeightAverage* average;
};

void save_checkpoint(const std::filesystem::path& run,
                     std::int64_t step,
                     const TrainingState& state,
                     const std::map<std::string, std::string>& metadata);

// All checkpoints in RUN/checkpoints by step, the best one not among them.
[[nodiscard]] std::vector<std::filesystem::path> checkpoint_files(const std::filesystem::path& run);
// Throws Error{kUnreadable} when the file is damaged, Error{kUnsupported} when it is of another
// version or no checkpoint.
[[nodiscard]] Checkpoint read_checkpoint(const std::filesystem::path& file);

// The newest checkpoint that is whole; damaged ones are named in a warning and passed over. Empty
// when there is none. Throws Error{kUnreadable} when there are checkpoints but none is whole.
[[nodiscard]] std::optional<Checkpoint> latest_checkpoint(const std::filesystem::path& run);

// Weights of a checkpoint or export into the module; every missing, unexpected or misshapen one is
// Error{kUnreadable}.
void restore_weights(torch::nn::Module& module,
                     const TensorFile& content,
                     const std::string& prefix);
// What the run of a checkpoint is judged by: its averaged weights, where it has them, else its
// weights.
void restore_trained_weights(torch::nn::Module& module, const TensorFile& content);
void restore_optimizer(AdamW& optimizer, const TensorFile& content);

// Keeps the last two (and RUN/checkpoints/best.safetensors, which is a file of its own).
void prune_checkpoints(const std::filesystem::path& run);

[[nodiscard]] std::filesystem::path best_checkpoint_path(const std::filesystem::path& run);

// "model." + names of all parameters and buffers.
[[nodiscard]] TensorFile weights_of(const torch::nn::Module& module, const std::string& prefix);

}  // namespace marrow
