#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/input_contract.h"
#include "apps/parts.h"
#include "apps/run_folder.h"
#include "clinical/inference/sliding_window.h"
#include "clinical/tasks/segmentation.h"
#include "core/case.h"
#include "models/training/precision.h"
#include "volumes/store/volume_store.h"

namespace marrow {

// How a trained segmenter looks at whole volumes.
struct InferenceOptions {
  static constexpr std::string_view kName = "inference";

  double overlap = 0.5;
  bool mirroring = false;
  std::int64_t batch = 1;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("overlap", overlap, Range{0.0, 0.95}, "share of a tile that the next one covers again");
    visit("mirroring",
          mirroring,
          "average over mirrored copies (never left-right when laterality matters)");
    visit("batch", batch, Range{1, 1024}, "tiles that go through the network at a time");
  }
};

// A segmenter as a run folder describes it, in eval mode.
struct SegmentationModel {
  std::shared_ptr<SegmentationTask> task;
  RecipeOptions recipe;
  InputContract contract;  // of the same recipe
  std::vector<LabelClass> classes;
  SlidingWindowOptions window;
  ComputeMode mode;
  std::int64_t channels = 1;
  std::int64_t step = 0;
  std::string task_name;
};

// From RUN/checkpoints: the best where there was validation, else the last.
[[nodiscard]] SegmentationModel load_segmentation(const std::filesystem::path& run);

// [C, D, H, W] of a prepared case -> label per voxel on the prepared grid.
[[nodiscard]] LabelMap segment(SegmentationTask& task,
                               const std::vector<Volume>& channels,
                               const SlidingWindowOptions& window,
                               const ComputeMode& mode,
                               const std::vector<LabelClass>& classes);

[[nodiscard]] SlidingWindowOptions window_options(const DataOptions& data,
                                                  const InferenceOptions& inference,
                                                  bool laterality_sensitive);

// The whole prepared case.
[[nodiscard]] std::vector<Volume> stored_channels(const VolumeStore& store, std::int64_t index);
[[nodiscard]] LabelMap stored_labels(const VolumeStore& store, std::int64_t index);

// Lines "1=anterior", for manifests.
[[nodiscard]] std::string classes_text(const std::vector<LabelClass>& classes);

}  // namespace marrow
