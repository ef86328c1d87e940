#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/volume.h"
#include "io/dicom/label_object.h"
#include "io/image_source.h"
#include "io/worker/file_facts.h"

namespace marrow {

// Which program to start and how; the defaults are what everything but a test wants.
struct WorkerSettings {
  SandboxLimits limits;
  double timeout_seconds = 300;               // wall clock per request
  std::int64_t requests_per_child = 200'000;  // files; then a fresh child
  std::filesystem::path executable;           // empty: `marrow-worker` beside the running program
  std::vector<std::string> arguments;         // further arguments of the child
  // Voxels come in memory files, as they do anyway where the system does not let a program read the
  // memory of its children.
  bool memory_files = false;
};

// One limited child process that parses untrusted files for this process. The child starts with the
// first request and serves many; when it dies, hangs or runs into a limit, the file it was working
// on is refused with the reason and the next request starts a new child. Not thread-safe: one
// client per thread.
//
// Constructor throws Error{kInternal} when the worker executable is missing. Requests throw what
// the readers throw (kUnreadable, kUnsupported, kRefused, kInvalidArgument), Error{kUnreadable}
// when the child crashed, hung or used up its time on the file, and Error{kResources} when it ran
// out of memory; each names the file.
class WorkerClient {
 public:
  explicit WorkerClient(const WorkerSettings& settings = {});
  ~WorkerClient();
  WorkerClient(const WorkerClient&) = delete;
  WorkerClient& operator=(const WorkerClient&) = delete;

  // Never throws for a bad file: what is wrong with it is its FileRefusal.
  [[nodiscard]] FileFacts inspect(const std::filesystem::path& file);
  // The same for many files in one go, one entry per file in the same order. Much cheaper per file;
  // a file that kills the child costs that file only.
  [[nodiscard]] std::vector<FileFacts> inspect(std::span<const std::filesystem::path> files);

  // One NIfTI file (or the .hdr or .img of a pair), or the files of one DICOM stack in any order.
  // Without an index files of several volumes are refused (SeriesRecord::volume says which one a
  // record of multi-frame objects or mosaics is).
  [[nodiscard]] Volume volume(std::span<const std::filesystem::path> files,
                              std::optional<std::int64_t> volume_index = std::nullopt);
  [[nodiscard]] LabelMap labels(std::span<const std::filesystem::path> files,
                                std::optional<std::int64_t> volume_index = std::nullopt);
  // DICOM segmentations and structure sets, on the grid of an image (read_object_labels).
  [[nodiscard]] LabelMap labels(std::span<const std::filesystem::path> files,
                                const LabelTarget& target);
  // Of one part of a MedMNIST .npz (NpzFile::labels): a grid of k columns and N rows; -1 in a
  // single voxel when the part is not there.
  [[nodiscard]] Volume npz_labels(const std::filesystem::path& file, int part);
  [[nodiscard]] LabelObject label_object(const std::filesystem::path& file);
  [[nodiscard]] Geometry geometry(std::span<const std::filesystem::path> files,
                                  std::optional<std::int64_t> volume_index = std::nullopt);

  // What was said of the last volume or label map, and logged.
  [[nodiscard]] const std::vector<std::string>& warnings() const;

  // How many children have been started so far, and the running one's process id (-1: none).
  [[nodiscard]] std::int64_t children_started() const;
  [[nodiscard]] int process_id() const;

 private:
  struct State;
  class Inspection;
  std::unique_ptr<State> state_;
};

}  // namespace marrow
