#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace marrow {

struct CommandContext;

struct AbArguments {
  std::string configuration;  // of the pretraining: a file or a preset
  std::vector<std::filesystem::path> probes;
  std::filesystem::path out;   // else WORK/ab
  std::filesystem::path data;  // a data set instead of the archive
};

// marrow reduce --ab CONFIG: what was decided, on trial. Words of the command line go to the
// pretraining where they are about it.
int compare_training(const CommandContext& context, const AbArguments& arguments);

}  // namespace marrow
