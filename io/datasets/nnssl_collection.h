#pragma once

#include <filesystem>

#include "core/case.h"

namespace marrow {

// The pretrain_data.json of nnssl: a collection of data sets of subjects of sessions of images, all
// unlabelled. Each image is a case of one channel; a patient is a subject of one of the data sets.
// Paths are absolute or relative to the file; one that starts with a variable ("$nnssl_raw/...") is
// looked for in the folder that holds the collection's folder, then in the collection's folder.
// Throws as read_dataset does.
[[nodiscard]] Dataset read_nnssl_collection(const std::filesystem::path& pretrain_data_json);

}  // namespace marrow
