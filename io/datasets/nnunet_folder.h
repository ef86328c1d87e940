#pragma once

#include <filesystem>

#include "core/case.h"
#include "io/datasets/dataset_reader.h"

namespace marrow {

// An nnU-Net v2 or Medical Segmentation Decathlon folder. Cases of imagesTr have their labels and
// no split yet (see dataset_splits.h), those of imagesTs are "test", those of imagesUnlabelled
// "unlabelled".
[[nodiscard]] Dataset read_nnunet_folder(const std::filesystem::path& folder,
                                         const DatasetOptions& options);

// Classes from the "labels" of a dataset.json, either way round. Throws Error{kUnreadable |
// kUnsupported}.
[[nodiscard]] std::vector<LabelClass> read_dataset_classes(
    const std::filesystem::path& dataset_json);

}  // namespace marrow
