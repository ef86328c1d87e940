#include "io/datasets/dataset_checks.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/text.h"

namespace marrow {

namespace fs = std::filesystem;

std::string shown_path(const fs::path& path) {
  return printable(path.string(), 400);
}

std::vector<std::string> folder_entries(const fs::path& folder) {
  std::error_code failure;
  std::vector<std::string> names;
  fs::directory_iterator entry(folder, failure);
  for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
    std::string name = entry->path().filename().string();
    if (!name.starts_with('.')) {
      names.push_back(std::move(name));
    }
  }
  if (failure) {
    throw Error(ErrorCode::kUnreadable,
                shown_path(folder) + ": the folder cannot be read: " + failure.message());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string nearest_neighbour_hint(const fs::path& path) {
  // "sets/Dataset04" and "sets/Dataset04/" are the same name.
  const fs::path clean = path.has_filename() ? path : path.parent_path();
  const fs::path parent = clean.has_parent_path() ? clean.parent_path() : fs::path(".");
  std::error_code failure;
  if (!fs::is_directory(parent, failure)) {
    return parent == clean ? ""
                           : "; the folder " + shown_path(parent) + " does not exist either" +
                                 nearest_neighbour_hint(parent);
  }
  std::vector<std::string> names;
  try {
    names = folder_entries(parent);
  } catch (const Error& error) {
    return std::string("; ") + error.what();
  }
  const std::string nearest = nearest_word(clean.filename().string(), names);
  return nearest.empty() ? "" : "; did you mean " + shown_path(parent / nearest) + "?";
}

ImageRef make_image_ref(const fs::path& root, const fs::path& file, const std::string& what) {
  std::error_code failure;
  ImageRef image;
  const fs::file_status status = fs::status(file, failure);
  if (!fs::exists(status)) {
    throw Error(
        ErrorCode::kUnreadable,
        fmt::format("{}: expected {}, found no such file; restore it or take the case out of the "
                    "data set",
                    what,
                    shown_path(file)));
  }
  if (fs::is_directory(status)) {
    for (const std::string& name : folder_entries(file)) {
      if (name != "DICOMDIR" && fs::is_regular_file(file / name, failure)) {
        image.files.push_back(file / name);
      }
    }
    if (image.files.empty()) {
      throw Error(ErrorCode::kNothingFound,
                  fmt::format("{}: the folder {} holds no files", what, shown_path(file)));
    }
  } else if (fs::is_regular_file(status)) {
    image.files.push_back(file);
  } else {
    throw Error(
        ErrorCode::kUnsupported,
        fmt::format(
            "{}: expected a file or a folder of DICOM files, found a pipe or a device at {}",
            what,
            shown_path(file)));
  }
  image.key = keyed_digest("image", file.lexically_relative(root).generic_string());
  return image;
}

Modality modality_of_channel(std::string_view name) {
  const std::string word = lower_case(trim(name));
  if (word.empty()) {
    return Modality::kUnknown;
  }
  if (word == "ct" || word.starts_with("ct_") || word.starts_with("ct ") || word == "cta") {
    return Modality::kCt;
  }
  if (word == "pt" || word == "pet" || word.starts_with("pet")) {
    return Modality::kPet;
  }
  static constexpr std::array<std::string_view, 9> kMrWords{
      "mr", "t1", "t2", "flair", "adc", "dwi", "hbv", "dce", "swi"};
  return std::any_of(kMrWords.begin(),
                     kMrWords.end(),
                     [&](std::string_view start) { return word.starts_with(start); })
             ? Modality::kMr
             : Modality::kUnknown;
}

std::string split_of_word(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kWords{{
      {"train", "train"},
      {"training", "train"},
      {"tr", "train"},
      {"val", "validation"},
      {"valid", "validation"},
      {"validation", "validation"},
      {"dev", "validation"},
      {"test", "test"},
      {"testing", "test"},
      {"ts", "test"},
      {"unlabelled", "unlabelled"},
      {"unlabeled", "unlabelled"},
  }};
  const std::string lower = lower_case(trim(word));
  for (const auto& [known, split] : kWords) {
    if (known == lower) {
      return std::string(split);
    }
  }
  return {};
}

void sort_cases(Dataset& dataset, const std::string& name) {
  if (dataset.cases.empty()) {
    throw Error(ErrorCode::kNothingFound,
                name +
                    ": expected at least one case, found none; is this the folder of the data set "
                    "itself, or a list without rows?");
  }
  std::sort(dataset.cases.begin(), dataset.cases.end(), [](const Case& a, const Case& b) {
    return a.key < b.key;
  });
  const auto twice = std::adjacent_find(
      dataset.cases.begin(), dataset.cases.end(), [](const Case& a, const Case& b) {
        return a.key == b.key;
      });
  if (twice != dataset.cases.end()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}: the case {} is there twice ({} and {}); keep one of the two",
                            name,
                            printable(twice->key),
                            shown_path(twice->images.front().files.front()),
                            shown_path((twice + 1)->images.front().files.front())));
  }
}

}  // namespace marrow
