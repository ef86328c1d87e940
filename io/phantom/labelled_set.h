#pragma once

#include <filesystem>

#include "io/phantom/archive.h"

namespace marrow {

class Progress;

// The labelled patients of a phantom as an nnU-Net v2 folder: imagesTr/NAME_0000.nii.gz,
// labelsTr/NAME.nii.gz, dataset.json, splits.json (train, val, nested few_shot lists).
void write_phantom_labelled(const std::filesystem::path& folder,
                            const PhantomOptions& options,
                            Progress& progress);

}  // namespace marrow
