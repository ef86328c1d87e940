#pragma once

#include <string>
#include <vector>

#include "core/case.h"
#include "io/catalogue/catalogue.h"

namespace marrow {

// A case for every usable series of an archive, also for those that `reduce` left out, which
// cases_from_catalogue (io/catalogue/cases.h) has not. Empty `where` and `subset`: all of them.
// Throws Error{kNothingFound} when there is none.
[[nodiscard]] std::vector<Case> archive_cases(const Catalogue& catalogue,
                                              const std::string& where,
                                              const std::string& subset);

}  // namespace marrow
