#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/case.h"

// What the readers of the several kinds of data sets share.
namespace marrow {

// For messages.
[[nodiscard]] std::string shown_path(const std::filesystem::path& path);

// Names of a folder's entries, sorted, without hidden ones. Throws Error{kUnreadable} when it
// cannot be listed.
[[nodiscard]] std::vector<std::string> folder_entries(const std::filesystem::path& folder);

// The nearest name beside `path` that exists, as " (did you mean ...?)", or "".
[[nodiscard]] std::string nearest_neighbour_hint(const std::filesystem::path& path);

// One image: a file, or the files of a folder (a DICOM series). `root` is what its key is relative
// to. Throws Error{kUnreadable} naming `what` when it is missing, Error{kNothingFound} for a folder
// without files.
[[nodiscard]] ImageRef make_image_ref(const std::filesystem::path& root,
                                      const std::filesystem::path& file,
                                      const std::string& what);

// From a channel's name or a modality word: "CT", "MRI", "T1", "FLAIR", "PET", ...
[[nodiscard]] Modality modality_of_channel(std::string_view name);

// "train", "validation", "test", "unlabelled" for the words in use ("val", "training", "unlabeled",
// ...); "" for others.
[[nodiscard]] std::string split_of_word(std::string_view word);

// Sorts by key and refuses two cases of one name. Throws Error{kNothingFound} when there is none.
void sort_cases(Dataset& dataset, const std::string& name);

}  // namespace marrow
