#pragma once

#include <filesystem>

#include "core/case.h"

namespace marrow {

// A MedMNIST .npz: images of train, val and test with a class each, or several findings that may
// occur together. Cases are called train_0, train_1, ...; every image is one grey channel. Class
// names and patients are not in the file, which is warned of. The file is read in the parsing
// child. Throws as read_dataset does.
[[nodiscard]] Dataset read_medmnist(const std::filesystem::path& file);

}  // namespace marrow
