#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <torch/nn/module.h>

#include "models/training/optimizer.h"
#include "models/weights/safetensors.h"

namespace marrow {

// What is needed to go on exactly where a run was: weights and buffers ("model."), optimizer
// ("optimizer."), counters and settings (metadata). Batches, masks and augmentation derive from
// (seed, step), so no generator needs saving.
struct Checkpoint {
  std::int64_t step = 0;  // optimizer steps done
  TensorFile content;

  [[nodiscard]] std::string text(const std::string& key) const;  // "" when absent
};

// RUN/checkpoints/step-00001200.safetensors
[[nodiscard]] std::filesystem::path checkpoint_path(const std::filesystem::path& run,
                                                    std::int64_t step);

void save_checkpoint(const std::filesystem::path& run,
                     std::int64_t step,
                     const torch::nn::Module& module,
                     const AdamW& optimizer,
                     const std::map<std::string, std::string>& metadata);

// The newest checkpoint that is whole; damaged ones are named in a warning and passed over. Empty
// when there is none. Throws Error{kUnreadable} when there are checkpoints but none is whole.
[[nodiscard]] std::optional<Checkpoint> latest_checkpoint(const std::filesystem::path& run);

// Weights of a checkpoint or export into the module; every missing, unexpected or misshapen one is
// Error{kUnreadable}.
void restore_weights(torch::nn::Module& module,
                     const TensorFile& content,
                     const std::string& prefix);
void restore_optimizer(AdamW& optimizer, const TensorFile& content);

// Keeps the last two (and RUN/checkpoints/best.safetensors, which is a file of its own).
void prune_checkpoints(const std::filesystem::path& run);

[[nodiscard]] std::filesystem::path best_checkpoint_path(const std::filesystem::path& run);

// "model." + names of all parameters and buffers.
[[nodiscard]] TensorFile weights_of(const torch::nn::Module& module, const std::string& prefix);

}  // namespace marrow
