#include "io/worker/worker_client.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/file_error.h"
#include "io/worker/channel.h"
#include "io/worker/child_process.h"
#include "io/worker/wire.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kFilesPerRequest = 64;
constexpr std::chrono::seconds kLongestStart{60};

json wire_files(std::span<const fs::path> files) {
  json list = json::array();
  for (const fs::path& file : files) {
    list.push_back(to_wire_text(file.string()));
  }
  return list;
}

std::string stack_name(std::span<const fs::path> files) {
  std::string name = printable(files.front().string(), 400);
  if (files.size() > 1) {
    name += fmt::format(" (and {} more files)", files.size() - 1);
  }
  return name;
}

// The voxels that came with an answer. The child may have been taken over by the file it parsed:
// the size is checked, and the seals, without which it could cut the file while it is mapped here.
template <class T>
std::vector<T> voxels_from(const Descriptor& file, std::int64_t voxels) {
  const auto bytes = static_cast<std::size_t>(voxels) * sizeof(T);
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_WRITE;

  struct stat status {};

  MARROW_CHECK(file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode));
  MARROW_CHECK(static_cast<std::size_t>(status.st_size) == bytes);
  MARROW_CHECK((::fcntl(file.get(), F_GET_SEALS) & kSeals) == kSeals);
  void* mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, file.get(), 0);
  if (mapped == MAP_FAILED) {
    throw Error(ErrorCode::kResources,
                "no address space for " + format_bytes(bytes) + " of voxels; close other programs");
  }
  const auto unmap = [bytes](void* address) { ::munmap(address, bytes); };
  const std::unique_ptr<void, decltype(unmap)> owner(mapped, unmap);
  const T* first = static_cast<const T*>(mapped);
  return std::vector<T>(first, first + voxels);
}

}  // namespace

struct WorkerClient::State {
  WorkerSettings settings;
  std::unique_ptr<ChildProcess> child;
  std::int64_t started = 0;
  std::int64_t served = 0;  // files that the running child was asked about

  [[nodiscard]] Channel::Clock::time_point deadline() const {
    return Channel::Clock::now() + std::chrono::duration_cast<Channel::Clock::duration>(
                                       std::chrono::duration<double>(settings.timeout_seconds));
  }

  Channel& channel(std::size_t files);
  void start();
  FileRefusal end_child(const std::string& name, Channel::Status status);
  json ask(const json& request, std::span<const fs::path> files, Descriptor* voxels);
  template <class T>
  Grid<T> ask_for_voxels(json request, std::span<const fs::path> files);
  std::size_t inspect_batch(std::span<const fs::path> files, std::vector<FileFacts>& facts);
};

void WorkerClient::State::start() {
  const auto milliseconds =
      std::chrono::milliseconds(static_cast<std::int64_t>(1000 * settings.timeout_seconds) + 1);
  std::vector<std::string> arguments{
      fmt::format("--memory={}", settings.limits.memory_bytes),
      fmt::format("--seconds={}", settings.limits.seconds),
  };
  arguments.insert(arguments.end(), settings.arguments.begin(), settings.arguments.end());
  child = std::make_unique<ChildProcess>(settings.executable, arguments, milliseconds);
  served = 0;
  ++started;
  const auto ready =
      child->channel().receive(std::max(deadline(), Channel::Clock::now() + kLongestStart));
  if (ready.status != Channel::Status::kLine) {
    const std::string what =
        ready.status == Channel::Status::kClosed ? child->reap().what : "does not answer";
    child.reset();
    throw Error(
        ErrorCode::kInternal,
        fmt::format("worker: {} cannot do its work: it {}; is the installation complete, and is "
                    "the memory limit of {} large enough?",
                    settings.executable.string(),
                    what,
                    format_bytes(settings.limits.memory_bytes)));
  }
}

Channel& WorkerClient::State::channel(std::size_t files) {
  if (child && served >= settings.requests_per_child) {
    child.reset();
  }
  if (!child) {
    start();
  }
  served += static_cast<std::int64_t>(files);
  return child->channel();
}

FileRefusal WorkerClient::State::end_child(const std::string& name, Channel::Status status) {
  ChildDeath death;
  switch (status) {
    case Channel::Status::kTimedOut:
      death = {ErrorCode::kUnreadable,
               "timeout",
               fmt::format("gave no answer within {} seconds", settings.timeout_seconds)};
      break;
    case Channel::Status::kClosed:
      death = child->reap();
      break;
    case Channel::Status::kLine:
      death = {ErrorCode::kUnreadable, "parser-crashed", "gave an answer that makes no sense"};
      break;
  }
  child.reset();
  return {
      death.code,
      death.reason_code,
      fmt::format("{}: the parser {} on this file; leave it out or convert it with another tool",
                  name,
                  death.what),
      death.code == ErrorCode::kResources ? "raise the memory limit"
                                          : "leave it out or convert it with another tool"};
}

json WorkerClient::State::ask(const json& request,
                              std::span<const fs::path> files,
                              Descriptor* voxels) {
  Channel& to_child = channel(files.size());
  Channel::Received received;
  if (to_child.send(request.dump())) {
    received = to_child.receive(deadline());
  }
  FileRefusal refusal;
  if (received.status != Channel::Status::kLine) {
    refusal = end_child(stack_name(files), received.status);
  } else {
    try {
      json answer = json::parse(received.line);
      if (!answer.contains("refusal")) {
        if (voxels != nullptr) {
          *voxels = std::move(received.descriptor);
        }
        return answer;
      }
      refusal = refusal_from_wire(answer.at("refusal"));
    } catch (const std::exception&) {
      refusal = end_child(stack_name(files), Channel::Status::kLine);
    }
  }
  throw FileError(refusal.code, refusal.reason_code, refusal.sentence);
}

template <class T>
Grid<T> WorkerClient::State::ask_for_voxels(json request, std::span<const fs::path> files) {
  Descriptor memory;
  const json answer = ask(request, files, &memory);
  Grid<T> grid;
  try {
    grid.geometry = geometry_from_wire(answer.at("geometry"));
    grid.voxels = voxels_from<T>(memory, grid.geometry.voxels());
    for (const json& warning : answer.at("warnings")) {
      log::warn(printable(from_wire_text(warning.get_ref<const std::string&>()), 800));
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kResources) {
      throw;
    }
    const FileRefusal refusal = end_child(stack_name(files), Channel::Status::kLine);
    throw FileError(refusal.code, refusal.reason_code, refusal.sentence);
  } catch (const json::exception&) {
    const FileRefusal refusal = end_child(stack_name(files), Channel::Status::kLine);
    throw FileError(refusal.code, refusal.reason_code, refusal.sentence);
  }
  return grid;
}

// Asks about all `files` at once and appends what is answered before the child dies, if it does;
// then also the refusal of the file it died on. Returns how many entries were appended, at least
// one.
std::size_t WorkerClient::State::inspect_batch(std::span<const fs::path> files,
                                               std::vector<FileFacts>& facts) {
  Channel& to_child = channel(files.size());
  auto status = Channel::Status::kClosed;
  const bool sent = to_child.send(json{{"op", "inspect"}, {"files", wire_files(files)}}.dump());
  for (std::size_t i = 0; i < files.size(); ++i) {
    Channel::Received received;
    if (sent) {
      received = to_child.receive(deadline());
    }
    status = received.status;
    if (status == Channel::Status::kLine) {
      try {
        facts.push_back(facts_from_wire(json::parse(received.line), files[i]));
        continue;
      } catch (const std::exception&) {
        // An answer that makes no sense is handled as a death.
        status = Channel::Status::kLine;
      }
    }
    facts.push_back({files[i], end_child(printable(files[i].string(), 400), status)});
    return i + 1;
  }
  return files.size();
}

WorkerClient::WorkerClient(const WorkerSettings& settings) : state_(std::make_unique<State>()) {
  state_->settings = settings;
  fs::path& executable = state_->settings.executable;
  if (executable.empty()) {
    executable = executable_folder() / "marrow-worker";
  }
  if (::access(executable.c_str(), X_OK) != 0) {
    throw Error(ErrorCode::kInternal,
                "worker: expected the program " + executable.string() +
                    ", which parses image files, found none; install it beside marrow");
  }
}

WorkerClient::~WorkerClient() = default;

FileFacts WorkerClient::inspect(const fs::path& file) {
  return std::move(inspect(std::span<const fs::path>(&file, 1)).front());
}

std::vector<FileFacts> WorkerClient::inspect(std::span<const fs::path> files) {
  std::vector<FileFacts> facts;
  facts.reserve(files.size());
  while (facts.size() < files.size()) {
    const auto rest = files.subspan(facts.size());
    state_->inspect_batch(rest.first(std::min(rest.size(), kFilesPerRequest)), facts);
  }
  return facts;
}

Volume WorkerClient::volume(std::span<const fs::path> files,
                            std::optional<std::int64_t> volume_index) {
  return state_->ask_for_voxels<float>(
      {{"op", "volume"}, {"files", wire_files(files)}, {"volume", volume_index.value_or(-1)}},
      files);
}

LabelMap WorkerClient::labels(std::span<const fs::path> files,
                              std::optional<std::int64_t> volume_index) {
  return state_->ask_for_voxels<std::uint16_t>(
      {{"op", "labels"}, {"files", wire_files(files)}, {"volume", volume_index.value_or(-1)}},
      files);
}

Geometry WorkerClient::geometry(std::span<const fs::path> files,
                                std::optional<std::int64_t> volume_index) {
  const json answer = state_->ask(
      {{"op", "geometry"}, {"files", wire_files(files)}, {"volume", volume_index.value_or(-1)}},
      files,
      nullptr);
  try {
    return geometry_from_wire(answer.at("geometry"));
  } catch (const std::exception&) {
    const FileRefusal refusal = state_->end_child(stack_name(files), Channel::Status::kLine);
    throw FileError(refusal.code, refusal.reason_code, refusal.sentence);
  }
}

std::int64_t WorkerClient::children_started() const {
  return state_->started;
}

int WorkerClient::process_id() const {
  return state_->child ? static_cast<int>(state_->child->process_id()) : -1;
}

}  // namespace marrow
