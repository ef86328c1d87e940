#include "io/datasets/bids_folder.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/files.h"
#include "core/log.h"
#include "core/text.h"
#include "io/datasets/dataset_checks.h"
#include "io/datasets/dataset_json.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 5> kBidsDatatypes{"anat", "dwi", "func", "perf", "pet"};

bool is_folder(const fs::path& path) {
  std::error_code failure;
  return fs::is_directory(path, failure);
}

std::vector<std::string> folders_starting(const fs::path& folder, std::string_view start) {
  std::vector<std::string> names = folder_entries(folder);
  std::erase_if(names, [&](const std::string& name) {
    return !name.starts_with(start) || name.size() == start.size() || !is_folder(folder / name);
  });
  return names;
}

std::vector<fs::path> sessions_of(const fs::path& subject) {
  std::vector<fs::path> sessions{subject};
  for (const std::string& session : folders_starting(subject, "ses-")) {
    sessions.push_back(subject / session);
  }
  return sessions;
}

// "sub-01_ses-2_T1w.nii.gz" -> "sub-01_ses-2_T1w". Narrower than io/file_endings.h: BIDS keeps
// scans as NIfTI only.
std::optional<std::string> bids_image_stem(const std::string& name) {
  for (const std::string_view ending : {".nii.gz", ".nii"}) {
    if (name.ends_with(ending)) {
      return name.substr(0, name.size() - ending.size());
    }
  }
  return std::nullopt;
}

bool is_bids_annotation(const std::string& stem) {
  const std::string suffix = stem.substr(stem.rfind('_') + 1);
  return suffix.ends_with("mask") || suffix == "dseg" || suffix == "probseg";
}

void add_bids_images(const fs::path& root,
                     const std::string& subject,
                     const fs::path& folder,
                     Dataset& dataset) {
  const std::string datatype = folder.filename().string();
  for (const std::string& name : folder_entries(folder)) {
    const std::optional<std::string> stem = bids_image_stem(name);
    if (!stem || is_bids_annotation(*stem)) {
      continue;
    }
    if (!stem->starts_with(subject + "_")) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("{}: expected an image of {}, whose name starts with {}_; move it to "
                              "its own subject's folder",
                              shown_path(folder / name),
                              printable(subject),
                              printable(subject)));
    }
    Case found;
    found.key = *stem;
    found.patient = subject;
    found.split = "unlabelled";
    found.modality = datatype == "pet" && stem->ends_with("_pet") ? Modality::kPet : Modality::kMr;
    if (stem->ends_with("_ct") || stem->ends_with("_CT")) {
      found.modality = Modality::kCt;
    }
    found.images.push_back(make_image_ref(root, folder / name, "image " + printable(*stem)));
    dataset.cases.push_back(std::move(found));
  }
}

void check_participants(const fs::path& folder, const std::set<std::string>& subjects) {
  std::error_code failure;
  const fs::path file = folder / "participants.tsv";
  if (!fs::is_regular_file(file, failure)) {
    return;
  }
  const std::string text = read_text(file);
  std::set<std::string> listed;
  std::size_t number = 0;
  for (const std::string& line : split_words(text, '\n')) {
    const std::string first(trim(std::string_view(line).substr(0, line.find('\t'))));
    if (number++ == 0) {
      if (first != "participant_id") {
        throw Error(ErrorCode::kUnreadable,
                    fmt::format("{}: expected participant_id as the first column, found \"{}\"",
                                shown_path(file),
                                printable(first)));
      }
      continue;
    }
    if (!first.empty() && !listed.insert(first).second) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("{}: the participant in row {} is there twice; keep one row",
                              shown_path(file),
                              number));
    }
  }
  const auto missing = [](const std::set<std::string>& from, const std::set<std::string>& in) {
    return std::count_if(
        from.begin(), from.end(), [&](const std::string& s) { return !in.contains(s); });
  };
  if (const auto count = missing(listed, subjects); count > 0) {
    log::warn(
        fmt::format("{}: {} participants have no image in the folder", shown_path(file), count));
  }
  if (const auto count = missing(subjects, listed); count > 0) {
    log::warn(fmt::format("{}: {} subjects with images are not listed", shown_path(file), count));
  }
}

}  // namespace

bool is_bids_folder(const fs::path& folder) {
  for (const std::string& subject : folders_starting(folder, "sub-")) {
    for (const fs::path& session : sessions_of(folder / subject)) {
      for (const std::string_view datatype : kBidsDatatypes) {
        if (is_folder(session / datatype)) {
          return true;
        }
      }
    }
  }
  return false;
}

Dataset read_bids_folder(const fs::path& folder) {
  Dataset dataset;
  dataset.name = fs::weakly_canonical(folder).filename().string();
  dataset.root = folder;
  dataset.channel_names = {"image"};
  std::error_code failure;
  const fs::path description = folder / "dataset_description.json";
  if (fs::is_regular_file(description, failure)) {
    const nlohmann::json json = read_json_file(description);
    if (json.is_object() && json.contains("Name") && json.at("Name").is_string()) {
      dataset.name = json.at("Name").get<std::string>();
    }
  }
  for (const std::string& subject : folders_starting(folder, "sub-")) {
    for (const fs::path& session : sessions_of(folder / subject)) {
      for (const std::string_view datatype : kBidsDatatypes) {
        if (is_folder(session / datatype)) {
          add_bids_images(folder, subject, session / datatype, dataset);
        }
      }
    }
  }
  sort_cases(dataset, shown_path(folder));
  std::set<std::string> subjects;
  for (const Case& c : dataset.cases) {
    subjects.insert(c.patient);
  }
  check_participants(folder, subjects);
  return dataset;
}

}  // namespace marrow
