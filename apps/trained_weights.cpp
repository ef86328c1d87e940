#include "apps/trained_weights.h"

#include <optional>
#include <string>
#include <utility>

#include "core/error.h"
#include "models/training/checkpoint.h"
#include "models/training/trainer.h"

namespace marrow {

namespace {

ComputeMode mode_of(const TensorFile& weights, const std::filesystem::path& file) {
  const auto mode = weights.metadata.find("compute_mode");
  if (mode == weights.metadata.end()) {
    throw Error(
        ErrorCode::kUnreadable,
        file.string() + " names no \"compute_mode\" in its metadata; restore it, or train again");
  }
  return compute_mode_from_name(mode->second);
}

}  // namespace

TrainedState load_trained(const std::filesystem::path& run,
                          torch::nn::Module& task,
                          const std::string& device) {
  TensorFile weights;
  std::filesystem::path file = best_checkpoint_path(run);
  if (std::filesystem::exists(file)) {
    weights = read_safetensors(file);
  } else {
    std::optional<Checkpoint> checkpoint = latest_checkpoint(run);
    if (!checkpoint.has_value()) {
      throw Error(ErrorCode::kNothingFound,
                  run.string() + " has no checkpoint yet; let the fine-tuning run longer");
    }
    file = checkpoint_path(run, checkpoint->step);
    weights = std::move(checkpoint->content);
  }
  restore_trained_weights(task, weights);
  const TrainedState state{step_of(weights, file), mode_of(weights, file)};
  task.to(resolve_device(device));
  apply_layout(task, state.mode);
  task.eval();
  return state;
}

}  // namespace marrow
