#pragma once

#include <filesystem>

#include "core/case.h"

namespace marrow {

// A BIDS folder: sub-*/[ses-*/]anat|dwi|func|perf|pet/*_SUFFIX.nii[.gz]. Every image is an
// unlabelled case of one channel, named after its file; the patient is the subject. Masks and
// segmentations among the images, and everything in derivatives/, are left out. Subjects of
// participants.tsv without images and the reverse are warned of. Throws as read_dataset does.
[[nodiscard]] Dataset read_bids_folder(const std::filesystem::path& folder);

// Whether `folder` has a subject with a folder of images.
[[nodiscard]] bool is_bids_folder(const std::filesystem::path& folder);

}  // namespace marrow
