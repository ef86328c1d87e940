#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clinical/probes/feature_set.h"

namespace marrow {

// How many training cases have a label: so many per class, or a share of each class.
struct LabelBudget {
  std::int64_t per_class = 0;  // >= 1; 0: `fraction` counts
  double fraction = 0;         // above 0, at most 1

  // "5 per class", "25 % of the cases"
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool operator==(const LabelBudget&) const = default;
};

// The rows of `train` that are labelled in draw number `draw`, sorted by key. What is drawn depends
// on seed, draw, keys, patients and labels, never on features or on the order of rows, so encoders
// are compared on the same labels.
//
// per_class: the cases of a class come from as many patients as possible, since two scans of one
// patient say less than one of each of two. A class with fewer cases gives all it has. fraction: of
// each class its share, rounded, at least one; patients are taken whole, one after the other, as
// collecting fewer patients would. Of one seed and draw, a smaller budget of the same kind lies
// within a larger one (one label per case; findings only roughly).
//
// Findings: strata are served from the rarest to the commonest, each until so many chosen cases
// have it, counting those that were chosen for another; cases without any finding are a stratum as
// well. (In the spirit of Sechidis et al. 2011, iterative stratification.)
//
// Throws Error{kInvalidArgument} for a budget that is neither.
[[nodiscard]] std::vector<std::size_t> draw_labels(const FeatureSet& train,
                                                   const LabelBudget& budget,
                                                   std::uint64_t seed,
                                                   std::int64_t draw);

// The fold of each row of `train`, 0 .. folds - 1, or -1 for rows that are always trained on. Whole
// patients, spread so that every fold holds about as many cases of each stratum; a patient who is
// the only one of a stratum is always trained on. At most `folds`, and no more than the patients of
// the stratum that has most of them to hold out. Empty when that is fewer than two. Depends on the
// same things as draw_labels().
[[nodiscard]] std::vector<std::int64_t> stratified_folds(const FeatureSet& train,
                                                         std::int64_t folds,
                                                         std::uint64_t seed);

}  // namespace marrow
