#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/reduction.h"
#include "models/training/trainer.h"
#include "volumes/store/volume_store.h"

namespace marrow {

struct CommandContext;

struct PretrainArguments {
  std::filesystem::path out;
  std::filesystem::path data;        // a data set; empty: the store in the work folder
  std::filesystem::path store = {};  // instead of that one
  bool accept_changed_data = false;
  bool ignore_reduction = false;
  // Takes the place of what was decided about the data.
  std::optional<Reduction> reduction = std::nullopt;
};

// Everything that may be learnt from without labels: all cases but those held out. Throws
// Error{kNothingFound} when none is left.
[[nodiscard]] std::vector<std::int64_t> pretraining_cases(const VolumeStore& store);

struct Pretrained {
  TrainResult result;
  std::string method, encoder;  // names of the parts
};

// What `marrow pretrain` does with the context's configuration: run folder, training, pictures,
// encoder. Resumes what lies in `out`. Throws what its parts throw.
[[nodiscard]] Pretrained pretrain(const CommandContext& context,
                                  const PretrainArguments& arguments);

}  // namespace marrow
