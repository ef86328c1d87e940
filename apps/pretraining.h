#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/reduction.h"
#include "models/training/trainer.h"

namespace marrow {

struct CommandContext;

struct PretrainArguments {
  std::filesystem::path out;
  std::filesystem::path data;  // a data set; empty: the store in the work folder
  bool accept_changed_data = false;
  bool ignore_reduction = false;
  // Takes the place of what was decided about the data.
  std::optional<Reduction> reduction = std::nullopt;
};

struct Pretrained {
  TrainResult result;
  std::string method, encoder;  // names of the parts
};

// What `marrow pretrain` does with the context's configuration: run folder, training, pictures,
// encoder. Resumes what lies in `out`. Throws what its parts throw.
[[nodiscard]] Pretrained pretrain(const CommandContext& context,
                                  const PretrainArguments& arguments);

}  // namespace marrow
