#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "clinical/report/data_flow.h"
#include "core/case.h"
#include "core/records.h"

namespace marrow {

class Catalogue;
class VolumeStore;

// The counts that commands leave in flow.json for the report: what was found, what was used, and
// why the rest was not. Every count comes from what is there; a loss of unknown reason says so.

// What prepare took from the catalogue.
struct PreparedSeries {
  std::string fitting;       // expression: series of the recipe's modality
  std::int64_t cases = 0;    // series chosen by it and by --where
  std::int64_t volumes = 0;  // in the store now, those of earlier calls included
  std::span<const Issue> issues;
};

// Files found -> series -> usable series -> volumes prepared.
[[nodiscard]] DataFlow catalogue_flow(const Catalogue& catalogue, const PreparedSeries& prepared);

// Cases of a data set -> cases prepared. `issues` may be empty when the store is an older one.
[[nodiscard]] DataFlow dataset_flow(const Dataset& dataset,
                                    const VolumeStore& store,
                                    std::span<const Issue> issues);

// -> volumes used for pretraining. When `prepared` does not end in as many volumes as the store
// has, the counts begin with the store.
[[nodiscard]] DataFlow pretraining_flow(DataFlow prepared,
                                        const VolumeStore& store,
                                        std::int64_t used);

// -> branches train, validation and test. `chooses_checkpoint`: the validation cases did.
[[nodiscard]] DataFlow finetuning_flow(DataFlow prepared,
                                       const Dataset& dataset,
                                       const VolumeStore& store,
                                       std::int64_t training_cases,
                                       bool chooses_checkpoint);

// -> cases scored: goes on from the run's own counts where the same cases were evaluated, else from
// `prepared` alone, with a title of its own.
[[nodiscard]] DataFlow evaluation_flow(const DataFlow& run,
                                       DataFlow prepared,
                                       const std::string& dataset,
                                       const std::string& split,
                                       std::int64_t scored);

}  // namespace marrow
