#include "io/datasets/dataset_reader.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "core/log.h"
#include "core/text.h"
#include "io/datasets/bids_folder.h"
#include "io/datasets/class_folders.h"
#include "io/datasets/csv_list.h"
#include "io/datasets/dataset_checks.h"
#include "io/datasets/dataset_splits.h"
#include "io/datasets/dicom_folder.h"
#include "io/datasets/medmnist.h"
#include "io/datasets/nnssl_collection.h"
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
          "{}: expected a data set: a folder with dataset.json and imagesTr or with "
          "pretrain_data.json, a BIDS folder, a folder of DICOM series with their labels, a folder "
          "per class of pictures, or a CSV list{}",
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

Dataset read_folder(const fs::path& folder, const DatasetOptions& options) {
  std::error_code failure;
  if (fs::is_regular_file(folder / "dataset.json", failure)) {
    return read_nnunet_folder(folder, options);
  }
  if (fs::is_regular_file(folder / "pretrain_data.json", failure)) {
    return read_nnssl_collection(folder / "pretrain_data.json");
  }
  if (is_bids_folder(folder)) {
    return read_bids_folder(folder);
  }
  if (is_class_folders(folder)) {
    return read_class_folders(folder);
  }
  if (holds_dicom_files(folder)) {
    return read_dicom_cases(folder);
  }
  refuse_folder(folder);
}

// Cases that the set itself put into training or validation.
bool names_its_split(const Dataset& dataset) {
  return std::any_of(dataset.cases.begin(), dataset.cases.end(), [](const Case& c) {
    return c.split == "train" || c.split == "validation";
  });
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
    dataset = read_folder(path, options);
    split = apply_split_file(path, options, dataset) || names_its_split(dataset);
  } else if (fs::is_regular_file(status) && path.extension() == ".csv") {
    dataset = read_csv_list(path);
    split = names_its_split(dataset);
  } else if (fs::is_regular_file(status) && path.filename() == "pretrain_data.json") {
    dataset = read_nnssl_collection(path);
    split = true;
  } else if (fs::is_regular_file(status) && path.extension() == ".npz") {
    dataset = read_medmnist(path);
    split = names_its_split(dataset);
  } else {
    throw Error(ErrorCode::kInvalidArgument,
                shown_path(path) +
                    ": expected a folder, a list whose name ends in .csv, a MedMNIST .npz, or a "
                    "pretrain_data.json");
  }
  if (!split) {
    make_patient_split(options, dataset);
  }
  refuse_leaks(dataset);
  return dataset;
}

}  // namespace marrow
