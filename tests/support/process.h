#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace marrow::test {

struct ProcessResult {
  int exit_code = -1;  // 128 + signal when a signal ended it
  std::string out;     // standard output
  std::string err;     // standard error
};

struct ProcessOptions {
  std::filesystem::path folder = ".";  // where it runs
  std::string stdout_file;             // instead of capturing, e.g. "/dev/full"
  double interrupt_after_s = -1;       // SIGINT after this time when not negative
};

inline std::string file_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// Runs `words` (the first is the program) to its end.
inline ProcessResult run_process(const std::vector<std::string>& words,
                                 const ProcessOptions& options = {}) {
  static int calls = 0;
  const std::filesystem::path base =
      std::filesystem::temp_directory_path() /
      ("marrow-process-" + std::to_string(getpid()) + "-" + std::to_string(++calls));
  const std::string out =
      options.stdout_file.empty() ? base.string() + ".out" : options.stdout_file;
  const std::string err = base.string() + ".err";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addchdir_np(&actions, options.folder.c_str());
  std::vector<char*> arguments;
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int failed =
      posix_spawn(&child, words.front().c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    throw std::runtime_error("cannot start " + words.front());
  }
  if (options.interrupt_after_s >= 0) {
    std::this_thread::sleep_for(std::chrono::duration<double>(options.interrupt_after_s));
    kill(child, SIGINT);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ProcessResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.err = file_text(err);
  std::filesystem::remove(err);
  if (options.stdout_file.empty()) {
    result.out = file_text(out);
    std::filesystem::remove(out);
  }
  return result;
}

// Runs the built program.
inline ProcessResult run_marrow(std::vector<std::string> words,
                                const ProcessOptions& options = {}) {
  words.insert(words.begin(), std::string(MARROW_BUILD_FOLDER) + "/marrow");
  return run_process(words, options);
}

// Starts `words` in `folder`, sends `signal` as soon as there is `file` (or after a minute) and
// waits for the end. Returns the status as waitpid gives it.
inline int stop_process(const std::vector<std::string>& words,
                        const std::filesystem::path& folder,
                        const std::filesystem::path& file,
                        int signal) {
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char*> arguments;
    for (const std::string& word : words) {
      arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    if (chdir(folder.c_str()) != 0 || freopen("/dev/null", "w", stdout) == nullptr ||
        freopen("/dev/null", "w", stderr) == nullptr) {
      _exit(126);
    }
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  for (int wait = 0; wait < 6000 && !std::filesystem::exists(file); ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(child, signal);
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

// How many lines of standard error are not progress.
inline std::size_t count_lines(const std::string& text, const std::string& start) {
  std::istringstream stream(text);
  std::size_t count = 0;
  for (std::string line; std::getline(stream, line);) {
    count += line.rfind(start, 0) == 0 ? 1 : 0;
  }
  return count;
}

}  // namespace marrow::test
