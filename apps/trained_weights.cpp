#include "apps/trained_weights.h"

#include <charconv>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "models/training/checkpoint.h"
#include "models/training/trainer.h"

namespace marrow {

namespace {

TrainedState state_of(const TensorFile& weights, const std::filesystem::path& file) {
  const auto step = weights.metadata.find("step");
  const auto mode = weights.metadata.find("compute_mode");
  TrainedState state;
  if (step == weights.metadata.end() || mode == weights.metadata.end() ||
      std::from_chars(step->second.data(), step->second.data() + step->second.size(), state.step)
              .ec != std::errc{}) {
    throw Error(ErrorCode::kUnreadable,
                file.string() +
                    " is no checkpoint of this program: its metadata lack \"step\" or "
                    "\"compute_mode\"; restore it, or train again");
  }
  state.mode = compute_mode_from_name(mode->second);
  return state;
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
  const TrainedState state = state_of(weights, file);
  task.to(resolve_device(device));
  apply_layout(task, state.mode);
  task.eval();
  return state;
}

}  // namespace marrow
