#include "io/datasets/class_folders.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/log.h"
#include "core/text.h"
#include "io/datasets/dataset_checks.h"
#include "io/file_endings.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

struct ClassFolder {
  fs::path folder;
  std::string split;  // "" when the set has no split of its own
};

std::vector<std::string> pictures_in(const fs::path& folder) {
  std::vector<std::string> names = folder_entries(folder);
  std::erase_if(names, [&](const std::string& name) {
    std::error_code failure;
    return !has_picture_ending(name) || fs::is_directory(folder / name, failure);
  });
  return names;
}

// The folders of pictures in `folder`, those without a picture left out.
std::vector<ClassFolder> folders_of_pictures(const fs::path& folder, const std::string& split) {
  std::vector<ClassFolder> found;
  for (const std::string& name : folder_entries(folder)) {
    std::error_code failure;
    if (fs::is_directory(folder / name, failure) && !pictures_in(folder / name).empty()) {
      found.push_back({folder / name, split});
    }
  }
  return found;
}

std::vector<ClassFolder> class_folders_of(const fs::path& folder) {
  std::vector<ClassFolder> found;
  for (const std::string& name : folder_entries(folder)) {
    std::error_code failure;
    const std::string split = split_of_word(name);
    if (split.empty() || split == "unlabelled" || !fs::is_directory(folder / name, failure)) {
      continue;
    }
    for (ClassFolder& inside : folders_of_pictures(folder / name, split)) {
      found.push_back(std::move(inside));
    }
  }
  if (!found.empty()) {
    for (const ClassFolder& outside : folders_of_pictures(folder, "")) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("{}: expected pictures in the folders of a split, found some in {}; "
                              "move them into one of the splits",
                              shown_path(folder),
                              shown_path(outside.folder)));
    }
    return found;
  }
  return folders_of_pictures(folder, "");
}

void add_pictures(const fs::path& root,
                  const ClassFolder& from,
                  std::int64_t value,
                  Dataset& dataset) {
  const std::string label = from.folder.filename().string();
  for (const std::string& name : pictures_in(from.folder)) {
    Case found;
    found.key = label + "_" + name.substr(0, name.rfind('.'));
    if (!from.split.empty()) {
      found.key = from.folder.parent_path().filename().string() + "_" + found.key;
    }
    found.patient = found.key;
    found.split = from.split;
    found.targets = {static_cast<double>(value)};
    found.images.push_back(
        make_image_ref(root, from.folder / name, "case " + printable(found.key)));
    dataset.cases.push_back(std::move(found));
  }
}

}  // namespace

bool is_class_folders(const fs::path& folder) {
  return !class_folders_of(folder).empty();
}

Dataset read_class_folders(const fs::path& folder) {
  const std::vector<ClassFolder> folders = class_folders_of(folder);
  std::set<std::string> names;
  for (const ClassFolder& one : folders) {
    names.insert(one.folder.filename().string());
  }
  if (names.size() < 2) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}: expected a folder of pictures for each of at least two classes, "
                            "found {}",
                            shown_path(folder),
                            names.size()));
  }
  Dataset dataset;
  dataset.name = fs::weakly_canonical(folder).filename().string();
  dataset.root = folder;
  dataset.channel_names = {"image"};
  for (const std::string& name : names) {
    dataset.classes.push_back({static_cast<std::int64_t>(dataset.classes.size()), name});
  }
  for (const ClassFolder& one : folders) {
    const auto place = std::distance(names.begin(), names.find(one.folder.filename().string()));
    add_pictures(folder, one, place, dataset);
  }
  sort_cases(dataset, shown_path(folder));
  log::warn(shown_path(folder) +
            ": patients are not known, so pictures of one patient may be in training and test; "
            "name them in a CSV list where they are known");
  return dataset;
}

}  // namespace marrow
