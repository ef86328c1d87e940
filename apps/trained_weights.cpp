#include "apps/trained_weights.h"

#include <optional>
#include <string>
#include <utility>

#include "core/error.h"
#include "models/training/checkpoint.h"
#include "models/training/trainer.h"

namespace marrow {

TrainedState load_trained(const std::filesystem::path& run,
                          torch::nn::Module& task,
                          const std::string& device) {
  TensorFile weights;
  if (std::filesystem::exists(best_checkpoint_path(run))) {
    weights = read_safetensors(best_checkpoint_path(run));
  } else {
    std::optional<Checkpoint> checkpoint = latest_checkpoint(run);
    if (!checkpoint.has_value()) {
      throw Error(ErrorCode::kNothingFound,
                  run.string() + " has no checkpoint yet; let the fine-tuning run longer");
    }
    weights = std::move(checkpoint->content);
  }
  restore_trained_weights(task, weights);
  const TrainedState state{std::stoll(weights.metadata.at("step")),
                           compute_mode_from_name(weights.metadata.at("compute_mode"))};
  task.to(resolve_device(device));
  apply_layout(task, state.mode);
  task.eval();
  return state;
}

}  // namespace marrow
