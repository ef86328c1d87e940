#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/case.h"

namespace marrow {

struct DatasetOptions {
  double validation_fraction = 0.2;  // of the patients, where the set has no split of its own
  std::uint64_t seed = 17;           // of that split
  std::int64_t fold = 0;             // of a splits_final.json with several
  // In an nnU-Net or MSD folder the patient is the whole case name; true: what comes before its
  // first '_'.
  bool patient_before_underscore = false;
};

// Reads what a data set says about itself; no image is opened. `path`: an nnU-Net v2 or MSD folder
// (dataset.json, imagesTr, ...), a BIDS folder, a folder per class of pictures, the
// pretrain_data.json of nnssl or its folder, a MedMNIST .npz, or a CSV list;
// docs/formats/datasets.md has the rules.
//
// Throws Error{kInvalidArgument} when there is no data set at `path` or it contradicts itself,
// Error{kUnreadable} for a damaged description or a missing image or label file,
// Error{kNothingFound} when no case is left, Error{kUnsupported} for what we do not read, and
// Error{kRefused} when a patient is in two splits.
[[nodiscard]] Dataset read_dataset(const std::filesystem::path& path,
                                   const DatasetOptions& options = {});

// The training cases that `--cases` names, sorted. "": all of them. A number N: the set's own list
// of that size, else a seeded choice, of which a smaller N takes a part. Anything else: a file with
// one case name a line. Throws Error{kInvalidArgument} for what cannot be satisfied,
// Error{kRefused} for a case held out for validation or test.
[[nodiscard]] std::vector<std::string> select_training_cases(const Dataset& dataset,
                                                             const std::string& cases,
                                                             std::uint64_t seed = 17);

}  // namespace marrow
