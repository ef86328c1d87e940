#pragma once

#include <filesystem>

#include "core/case.h"

namespace marrow {

// A folder per class of PNG and JPEG pictures: CLASS/*.png, or train|val|test/CLASS/*.png. Classes
// are numbered in the order of their names; a case is called CLASS_NAME and holds the picture as
// one grey channel. Patients are not known, every picture counts as one, which is warned of. Throws
// as read_dataset does.
[[nodiscard]] Dataset read_class_folders(const std::filesystem::path& folder);

// Whether `folder` has folders of pictures, split or not.
[[nodiscard]] bool is_class_folders(const std::filesystem::path& folder);

}  // namespace marrow
