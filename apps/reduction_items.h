#pragma once

#include <string>
#include <vector>

#include "core/case.h"
#include "io/catalogue/catalogue.h"
#include "volumes/reduction/reduction_item.h"

namespace marrow {

// What `marrow reduce` decides about.

// Every usable series, what was left out before included: a new decision takes the place of the old
// one. The series of a study with a report are labelled by it; `with_reports` reads the reports'
// text, too. Throws Error{kNothingFound} when there is no series.
[[nodiscard]] std::vector<ReductionItem> archive_items(const Catalogue& catalogue,
                                                       const std::string& where,
                                                       const std::string& subset,
                                                       bool with_reports);

// Two cases of one class have the same label; two label maps are never taken to be the same.
[[nodiscard]] std::vector<ReductionItem> dataset_items(const Dataset& dataset);

}  // namespace marrow
