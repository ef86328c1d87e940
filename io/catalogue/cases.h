#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/case.h"

namespace marrow {

class Catalogue;

// The case that a series is.
[[nodiscard]] Case case_of(const SeriesRecord& record);

// One case per kept series (verdict use or split, not dropped), sorted by key. `where` narrows them
// as Catalogue::select does (empty for all), `wanted` by what it says of each. Throws
// Error{kNothingFound} when no series is left and Error{kRefused} when a patient is in more than
// one part of the split.
[[nodiscard]] std::vector<Case> cases_from_catalogue(
    const Catalogue& catalogue,
    const std::string& where = "",
    const std::function<bool(const SeriesRecord&)>& wanted = nullptr);

// Whether a series is in a saved subset; of an empty name, always. Throws what Catalogue::subset
// throws.
[[nodiscard]] std::function<bool(const SeriesRecord&)> subset_filter(const Catalogue& catalogue,
                                                                     const std::string& name);

}  // namespace marrow
