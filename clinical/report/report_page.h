#pragma once

#include <cstdint>
#include <string>

#include "clinical/report/report_input.h"

namespace marrow {

inline constexpr std::size_t kReportByteLimit = std::size_t{20} << 20;

// One self-contained HTML page: nothing is loaded from elsewhere, readable without scripts, light
// and dark, from 360 pixels to A4 paper. Sections without data are left out. Sliders show fewer
// slices, then pictures get smaller, so that the page stays below kReportByteLimit. Throws
// Error{kInvalidArgument} when pictures of one case lie on different grids.
[[nodiscard]] std::string report_page(const ReportInput& input);

}  // namespace marrow
