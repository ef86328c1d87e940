#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "clinical/report/data_flow.h"
#include "core/case.h"
#include "volumes/preprocess/prepare.h"
#include "volumes/preprocess/recipe.h"
#include "volumes/store/volume_store.h"

namespace marrow {

// A data set with its volumes prepared by one recipe.
struct TrainingData {
  Dataset dataset;  // without cases when the store was made by `marrow prepare` from a catalogue
  std::unique_ptr<VolumeStore> store;
  std::filesystem::path folder;  // of the store
  PrepareResult prepared;        // of this call; a store that was there already has its sizes only
  DataFlow flow;                 // cases found and prepared, also those of an earlier call
};

// `--data`: reads the data set and prepares it into WORK/datasets/<digest> on first use; the digest
// covers the recipe and the name, size and time of every file, so that a changed data set is
// prepared anew.
[[nodiscard]] TrainingData open_dataset(const std::filesystem::path& data,
                                        const std::filesystem::path& work,
                                        const RecipeOptions& recipe,
                                        std::uint64_t seed,
                                        std::int64_t threads);

// Takes the cases that could not be prepared out of the data set, with a warning that names them:
// one damaged picture shall not keep the others from being learnt from.
void leave_out_refused(TrainingData& data);

// Warns of cases of "validation" and "test" that have the voxels of one of `training` under another
// name, since what is known by heart scores too well. (Where masks are stored, the same mask, too.)
void warn_of_copies(const VolumeStore& store, std::span<const std::int64_t> training);

// Store indices of the cases with one of `keys`; a key that is not in the store is
// Error{kNothingFound}.
[[nodiscard]] std::vector<std::int64_t> store_cases(const VolumeStore& store,
                                                    const std::vector<std::string>& keys);

// Keys of all cases whose split is `split`.
[[nodiscard]] std::vector<std::string> split_keys(const Dataset& dataset, const std::string& split);

}  // namespace marrow
