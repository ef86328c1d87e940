#include "models/training/same_run.h"

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "models/training/checkpoint.h"

namespace marrow {

void check_same_run(const std::map<std::string, std::string>& checkpoint, const TrainRun& run) {
  const auto text = [&](const std::string& key) {
    const auto found = checkpoint.find(key);
    return found == checkpoint.end() ? std::string() : found->second;
  };
  if (text("config") != run.config_yaml) {
    const std::vector<std::string> before = split_words(text("config"), '\n');
    const std::vector<std::string> now = split_words(run.config_yaml, '\n');
    std::string difference = "the sections differ";
    for (std::size_t i = 0; i < std::min(before.size(), now.size()); ++i) {
      if (before[i] != now[i]) {
        difference =
            "\"" + std::string(trim(before[i])) + "\" became \"" + std::string(trim(now[i])) + "\"";
        break;
      }
    }
    throw Error(ErrorCode::kRefused,
                run.folder.string() + " holds a run with another configuration (" + difference +
                    "); name another folder with --out, or give the same configuration to resume");
  }
  if (text("seed") != std::to_string(run.seed)) {
    throw Error(ErrorCode::kRefused,
                run.folder.string() + " holds a run with seed " + text("seed") + ", not " +
                    std::to_string(run.seed) + "; name another folder with --out");
  }
  for (const auto& [name, value] : run.metadata) {
    if (text(name) != value) {
      throw Error(ErrorCode::kRefused,
                  run.folder.string() + " holds a run with other " + name + " (\"" +
                      printable(text(name)) + "\" became \"" + printable(value) +
                      "\"); name another folder with --out");
    }
  }
  if (text("data_fingerprint") != run.data_fingerprint && !run.accept_changed_data) {
    throw Error(
        ErrorCode::kRefused,
        "the data of " + run.folder.string() +
            " changed since the run was stopped; name another folder with --out, or resume with "
            "--accept-changed-data");
  }
}

void check_resumable(const TrainRun& run) {
  std::vector<std::filesystem::path> files = checkpoint_files(run.folder);
  std::reverse(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    std::map<std::string, std::string> metadata;
    try {
      metadata = read_safetensors_metadata(file);
    } catch (const Error&) {
      continue;  // train() passes damaged ones over and names them
    }
    check_same_run(metadata, run);
    return;
  }
}

}  // namespace marrow
