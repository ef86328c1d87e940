#pragma once

#include <string>
#include <string_view>

namespace marrow {

// Endings of files by which people name formats; upper or lower case is the same. They only guess
// what a name stands for: what a file is read as is decided by its bytes.

// ".nii", ".nii.gz", ".hdr", ".img", ".dcm", ".nrrd", ".nhdr", ".mha", ".mhd", pictures.
[[nodiscard]] bool has_image_ending(std::string_view name);

// ".png", ".jpg", ".jpeg".
[[nodiscard]] bool has_picture_ending(std::string_view name);

// "case_1.nii.gz" -> "case_1"; a name without such an ending, and one that is nothing else, as they
// are.
[[nodiscard]] std::string without_image_ending(std::string_view name);

}  // namespace marrow
