#pragma once

#include <string>

#include "clinical/report/ab_input.h"

namespace marrow {

// The page ab.html: what an encoder loses or gains when a reduction's slices are left out of its
// pretraining. One self-contained file like `report_page`, below kReportByteLimit. The heading
// follows the rule of ab_verdict.h. Values that do not exist are shown as an en dash.
//
// Throws Error{kInvalidArgument} for an arm other than those of `marrow reduce --ab`.
[[nodiscard]] std::string ab_page(const AbInput& input);

}  // namespace marrow
