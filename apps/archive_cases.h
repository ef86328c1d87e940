#pragma once

#include <string>
#include <vector>

#include "core/case.h"
#include "core/records.h"
#include "io/catalogue/catalogue.h"
#include "volumes/preprocess/recipe.h"

namespace marrow {

// Every usable series of an archive, also those that `reduce` left out, which cases_from_catalogue
// (io/catalogue/cases.h) has not. Empty `where` and `subset`: all of them. Throws
// Error{kNothingFound} when there is none.
[[nodiscard]] std::vector<SeriesRecord> archive_series(const Catalogue& catalogue,
                                                       const std::string& where,
                                                       const std::string& subset);

// A case for each of these.
[[nodiscard]] std::vector<Case> archive_cases(const Catalogue& catalogue,
                                              const std::string& where,
                                              const std::string& subset);

// The expression for series that a recipe is for: it is made for one modality. NIfTI does not say
// what it is, so that its volumes count as what the recipe is for.
[[nodiscard]] std::string series_fitting(const RecipeOptions& recipe);

}  // namespace marrow
