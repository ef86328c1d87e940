#pragma once

#include <string>

#include "clinical/report/reduction_input.h"

namespace marrow {

// The page reduce.html: what a reduction of an archive dropped, beside what stands for it. One
// self-contained file like `report_page`, below kReportByteLimit: fewer pairs of pictures are shown
// when they would not fit. Sections without data are left out.
//
// Throws Error{kInvalidArgument} for a key of other characters than those of keys and case names
// (an identifier of a patient must not reach the page), for a picture with another number of pixels
// than its size says, and for counts that contradict each other.
[[nodiscard]] std::string reduction_page(const ReductionInput& input);

}  // namespace marrow
