#include "io/datasets/dataset_reader.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "core/log.h"
#include "core/text.h"
#include "io/datasets/csv_list.h"
#include "io/datasets/dataset_checks.h"
#include "io/datasets/dataset_splits.h"
#include "io/datasets/dicom_folder.h"
#include "io/datasets/nnunet_folder.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_folder(const fs::path& folder) {
  const std::vector<std::string> entries = folder_entries(folder);
  std::string hint;
  for (const std::string& name : entries) {
    std::error_code failure;
    if (fs::exists(folder / name / "dataset.json", failure)) {
      hint = "; did you mean " + shown_path(folder / name) + "?";
      break;
    }
    if (name.ends_with(".csv")) {
      hint = "; did you mean the list " + shown_path(folder / name) + "?";
    }
  }
  throw Error(
      ErrorCode::kInvalidArgument,
      fmt::format(
          "{}: expected a data set: a folder with dataset.json and imagesTr, a folder of DICOM "
          "series with their labels, or a CSV list{}",
          shown_path(folder),
          hint));
}

// What is in no case is said, or it would be missing in silence.
Dataset read_dicom_cases(const fs::path& folder) {
  DicomFolder found = read_dicom_folder(folder);
  for (const Issue& issue : found.issues) {
    log::warn(issue.advice.empty() ? issue.reason : issue.reason + "; " + issue.advice);
  }
  return std::move(found.dataset);
}

}  // namespace

Dataset read_dataset(const fs::path& path, const DatasetOptions& options) {
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (!fs::exists(status)) {
    throw Error(ErrorCode::kInvalidArgument,
                shown_path(path) + ": there is no such data set" + nearest_neighbour_hint(path));
  }
  Dataset dataset;
  bool split = false;
  if (fs::is_directory(status)) {
    if (fs::is_regular_file(path / "dataset.json", failure)) {
      dataset = read_nnunet_folder(path, options);
    } else if (holds_dicom_files(path)) {
      dataset = read_dicom_cases(path);
    } else {
      refuse_folder(path);
    }
    split = apply_split_file(path, options, dataset);
  } else if (fs::is_regular_file(status) && path.extension() == ".csv") {
    dataset = read_csv_list(path);
    split = std::any_of(dataset.cases.begin(), dataset.cases.end(), [](const Case& c) {
      return c.split == "train" || c.split == "validation";
    });
  } else {
    throw Error(ErrorCode::kInvalidArgument,
                shown_path(path) +
                    ": expected a folder with dataset.json, or a list whose name ends in .csv");
  }
  if (!split) {
    make_patient_split(options, dataset);
  }
  refuse_leaks(dataset);
  return dataset;
}

}  // namespace marrow
