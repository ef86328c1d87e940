#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/files.h"
#include "tests/support/process.h"

namespace marrow {
namespace {

// The lines of README.md's ```sh blocks.
std::vector<std::string> readme_commands() {
  std::ifstream file(std::string(MARROW_TEST_DATA) + "/../../README.md");
  std::vector<std::string> commands;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("```")) {
      inside = line == "```sh";
    } else if (inside) {
      commands.push_back(line);
    }
  }
  return commands;
}

TEST(ReadmeEndToEnd, EveryCommandOfTheWalkRuns) {
  const TemporaryFolder folder;
  const std::vector<std::string> commands = readme_commands();
  ASSERT_GE(commands.size(), 10U);
  for (std::string command : commands) {
    ASSERT_TRUE(command.starts_with("build/marrow ")) << command;
    // Small enough for a test: the words stay those of the page, settings are added.
    if (command.find(" phantom ") != std::string::npos) {
      command += " --patients 2 --labelled 8 --size 40x36x32";
    }
    if (command.find(" pretrain ") != std::string::npos ||
        command.find(" finetune ") != std::string::npos) {
      command += " train.steps=2 train.batch_size=2 data.patch_size=[16,16,16]";
    }
    const std::string line = "cd '" + folder.path().string() + "' && '" + MARROW_BUILD_FOLDER +
                             "/marrow' " + command.substr(std::string("build/marrow ").size());
    const test::ProcessResult result = test::run_process({"/bin/sh", "-c", line});
    EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 6) << command << "\n"
                                                                << result.out << result.err;
  }
}

}  // namespace
}  // namespace marrow
