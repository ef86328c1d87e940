#pragma once

#include <filesystem>

#include "core/case.h"
#include "io/datasets/dataset_reader.h"

namespace marrow {

// splits_final.json (a list of folds) or splits.json (one table), where `folder` has one: fills the
// cases' splits and the set's few-shot lists. Returns false when there is none. Throws
// Error{kInvalidArgument} for a case that the set does not have, Error{kRefused} for one in two
// lists.
bool apply_split_file(const std::filesystem::path& folder,
                      const DatasetOptions& options,
                      Dataset& dataset);

// Puts whole patients into "train" and "validation", by a draw that depends on the seed and the
// patient alone: a larger fraction keeps the patients of a smaller one. Cases that have a split
// keep it; patients of a test case are left out, those of an unlabelled case are for training only.
void make_patient_split(const DatasetOptions& options, Dataset& dataset);

// Throws Error{kRefused} naming patients with cases in two of train, validation and test, or both
// unlabelled and held out.
void refuse_leaks(const Dataset& dataset);

}  // namespace marrow
