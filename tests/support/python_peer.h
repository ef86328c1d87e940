#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/files.h"

namespace marrow::testing_support {

// Base of the suites that ask another tool about our files, or us about the files of another tool.
// Every test of such a suite is skipped until `./run peers` has made the pinned Python environment.
class PythonPeer : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(python())) {
      GTEST_SKIP() << "the Python environment of peers is absent; make it with: ./run peers";
    }
  }

  [[nodiscard]] static std::filesystem::path python() {
    return std::filesystem::path(MARROW_TEST_DATA).parent_path().parent_path() / ".peers" / "bin" /
           "python";
  }

  // A file name in a folder that goes with the test.
  [[nodiscard]] std::filesystem::path file(const std::string& name) const {
    return folder_.path() / name;
  }

  // Runs `script` in the folder of file(), with sys.argv[1:] = arguments. Returns what it printed
  // on standard output as JSON (null when it printed nothing). A script that fails fails the test
  // and shows what Python said.
  nlohmann::json run_python(const std::string& script,
                            const std::vector<std::string>& arguments = {}) const {
    const std::filesystem::path source = file("peer_script.py");
    const std::filesystem::path errors = file("peer_errors.txt");
    std::ofstream(source) << script;
    std::string command = "cd " + quoted(folder_.path().string()) + " && OMP_NUM_THREADS=1 " +
                          quoted(python().string()) + " -W ignore " + quoted(source.string());
    for (const std::string& argument : arguments) {
      command += " " + quoted(argument);
    }
    command += " 2>" + quoted(errors.string());

    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) {
      ADD_FAILURE() << "popen failed for " << command;
      return {};
    }
    std::string output;
    char buffer[4096];
    for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
      output.append(buffer, n);
    }
    const int status = pclose(pipe);
    if (status != 0) {
      std::ifstream stream(errors);
      ADD_FAILURE() << "the peer's script ended with status " << status << ":\n" << stream.rdbuf();
      return {};
    }
    if (output.empty()) {
      return {};
    }
    nlohmann::json answer = nlohmann::json::parse(output, nullptr, false);
    if (answer.is_discarded()) {
      ADD_FAILURE() << "the peer's script printed no JSON: " << output;
      return {};
    }
    return answer;
  }

 private:
  // In single quotes for the shell.
  [[nodiscard]] static std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char c : text) {
      result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return result + "'";
  }

  TemporaryFolder folder_;
};

}  // namespace marrow::testing_support
