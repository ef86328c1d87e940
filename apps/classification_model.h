#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "apps/class_table.h"
#include "apps/input_contract.h"
#include "apps/parts.h"
#include "clinical/tasks/classification.h"
#include "core/volume.h"
#include "models/training/precision.h"

namespace marrow {

// A classifier as a run folder describes it, in eval mode.
struct ClassificationModel {
  std::shared_ptr<ClassificationTask> task;
  RecipeOptions recipe;
  InputContract contract;
  ClassTable classes;
  Size3 image{1, 1, 1};  // (i, j, k) of what the network sees at a time
  ComputeMode mode;
  std::int64_t channels = 1;
  int dimensions = 2;
  std::int64_t step = 0;
};

[[nodiscard]] ClassificationModel load_classification(const std::filesystem::path& run);

// How the network looks at a prepared case.
struct ImageView {
  Size3 size{1, 1, 1};
  int dimensions = 2;  // of the encoder
  bool ct = false;     // what lies outside a volume is air, else its smallest value
  bool multi_label = false;
};

// Probability of each class (several findings: of each) for a prepared case of [channels] volumes
// on one grid. The network sees boxes of `view.size` centred in the case or, where the case is
// larger, spread evenly over it with as little overlap as covers all of it; probabilities are the
// mean over the boxes.
[[nodiscard]] std::vector<double> classify(ClassificationTask& task,
                                           const std::vector<Volume>& channels,
                                           const ImageView& view,
                                           const ComputeMode& mode);

[[nodiscard]] ImageView image_view(const ClassificationModel& model);

}  // namespace marrow
