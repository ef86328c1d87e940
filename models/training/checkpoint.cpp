#include "models/training/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"

namespace marrow {

namespace {

constexpr const char* kCheckpointFormat = "marrow-checkpoint-1";

}  // namespace

std::string Checkpoint::text(const std::string& key) const {
  const auto found = content.metadata.find(key);
  return found == content.metadata.end() ? "" : found->second;
}

std::filesystem::path checkpoint_path(const std::filesystem::path& run, std::int64_t step) {
  return run / "checkpoints" / fmt::format("step-{:08}.safetensors", step);
}

std::filesystem::path best_checkpoint_path(const std::filesystem::path& run) {
  return run / "checkpoints" / "best.safetensors";
}

TensorFile weights_of(const torch::nn::Module& module, const std::string& prefix) {
  TensorFile file;
  for (const auto& item : module.named_parameters()) {
    file.tensors.emplace_back(prefix + item.key(), item.value());
  }
  for (const auto& item : module.named_buffers()) {
    file.tensors.emplace_back(prefix + item.key(), item.value());
  }
  return file;
}

std::vector<std::filesystem::path> checkpoint_files(const std::filesystem::path& run) {
  std::vector<std::filesystem::path> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(run / "checkpoints", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step-") && name.ends_with(".safetensors")) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

void save_checkpoint(const std::filesystem::path& run,
                     std::int64_t step,
                     const TrainingState& state,
                     const std::map<std::string, std::string>& metadata) {
  TensorFile file = weights_of(state.module, "model.");
  for (const auto& [name, tensor] : state.optimizer.state()) {
    file.tensors.emplace_back("optimizer." + name, tensor);
  }
  if (state.average != nullptr) {
    const auto averages = state.average->state("ema.");
    file.tensors.insert(file.tensors.end(), averages.begin(), averages.end());
  }
  file.metadata = metadata;
  file.metadata["step"] = std::to_string(step);
  file.metadata["format"] = kCheckpointFormat;
  write_safetensors(checkpoint_path(run, step), file);
}

std::int64_t step_of(const TensorFile& content, const std::filesystem::path& file) {
  const auto found = content.metadata.find("step");
  const std::string text = found == content.metadata.end() ? "" : found->second;
  std::int64_t step = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorCode::kUnreadable,
                file.string() + " names no step in its metadata, but \"" + printable(text) + "\"");
  }
  return step;
}

Checkpoint read_checkpoint(const std::filesystem::path& file) {
  Checkpoint checkpoint;
  checkpoint.content = read_safetensors(file);
  if (checkpoint.text("format") != kCheckpointFormat) {
    throw Error(ErrorCode::kUnsupported,
                file.string() + " was written by another version of the program (format \"" +
                    printable(checkpoint.text("format")) + "\")");
  }
  checkpoint.step = step_of(checkpoint.content, file);
  return checkpoint;
}

std::optional<Checkpoint> latest_checkpoint(const std::filesystem::path& run) {
  std::vector<std::filesystem::path> files = checkpoint_files(run);
  std::string damage;
  while (!files.empty()) {
    try {
      return read_checkpoint(files.back());
    } catch (const Error& error) {
      damage = error.what();
      log::warn(damage + (files.size() > 1 ? "; trying the checkpoint before it" : ""));
      files.pop_back();
    }
  }
  if (!damage.empty()) {
    throw Error(ErrorCode::kUnreadable,
                "no checkpoint in " + run.string() + " can be read: " + damage);
  }
  return std::nullopt;
}

void restore_weights(torch::nn::Module& module,
                     const TensorFile& content,
                     const std::string& prefix) {
  const at::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> left;
  for (const auto& [name, tensor] : content.tensors) {
    if (name.starts_with(prefix)) {
      left.emplace(name.substr(prefix.size()), tensor);
    }
  }
  const auto load = [&](const std::string& name, at::Tensor target) {
    const auto found = left.find(name);
    if (found == left.end()) {
      throw Error(ErrorCode::kUnreadable, "weights: \"" + name + "\" is missing in the file");
    }
    if (found->second.sizes() != target.sizes()) {
      throw Error(ErrorCode::kUnreadable,
                  fmt::format("weights: \"{}\" has shape [{}] in the file where [{}] is expected",
                              name,
                              fmt::join(found->second.sizes().vec(), ", "),
                              fmt::join(target.sizes().vec(), ", ")));
    }
    target.copy_(found->second);
    left.erase(found);
  };
  for (const auto& item : module.named_parameters()) {
    load(item.key(), item.value());
  }
  for (const auto& item : module.named_buffers()) {
    load(item.key(), item.value());
  }
  if (!left.empty()) {
    throw Error(ErrorCode::kUnreadable,
                "weights: the file holds \"" + left.begin()->first +
                    "\", which this network does not have");
  }
}

void restore_trained_weights(torch::nn::Module& module, const TensorFile& content) {
  TensorFile chosen;
  for (const auto& [name, tensor] : content.tensors) {
    if (name.starts_with("model.")) {
      const at::Tensor average = content.find("ema." + name.substr(6));
      chosen.tensors.emplace_back(name, average.defined() ? average : tensor);
    }
  }
  restore_weights(module, chosen, "model.");
}

void restore_optimizer(AdamW& optimizer, const TensorFile& content) {
  const std::string prefix = "optimizer.";
  for (const auto& [name, tensor] : content.tensors) {
    if (name.starts_with(prefix)) {
      optimizer.load(name.substr(prefix.size()), tensor);
    }
  }
}

void prune_checkpoints(const std::filesystem::path& run) {
  std::vector<std::filesystem::path> files = checkpoint_files(run);
  std::error_code ignored;
  while (files.size() > 2) {
    std::filesystem::remove(files.front(), ignored);
    files.erase(files.begin());
  }
}

}  // namespace marrow
