#pragma once

#include <cstdint>
#include <filesystem>

#include <torch/nn/module.h>

#include "models/training/precision.h"

namespace marrow {

struct TrainedState {
  std::int64_t step = 0;
  ComputeMode mode;
};

// The weights that a fine-tuning ended with into its task: those of the best validation where there
// was one, else the last ones; then in eval mode on `device` ("auto", "cpu", "cuda", ...). Throws
// Error{kNothingFound} when the run has no checkpoint yet.
TrainedState load_trained(const std::filesystem::path& run,
                          torch::nn::Module& task,
                          const std::string& device);

}  // namespace marrow
