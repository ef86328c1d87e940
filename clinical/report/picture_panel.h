#pragma once

#include <string>

#include "clinical/report/html.h"
#include "clinical/report/picture.h"
#include "clinical/report/report_input.h"

namespace marrow {

// <figure> with the picture as a PNG inside the page, a caption below, and words for who cannot see
// it.
[[nodiscard]] Html picture_panel(const Picture& picture,
                                 const std::string& caption,
                                 const std::string& alternative);

// Throws Error{kInvalidArgument} naming the case unless both grids are the same.
void require_picture_grid(const std::string& key, const Geometry& image, const Geometry& other);

// A line of a legend: a small sample of how something is drawn, and what it stands for.
[[nodiscard]] Html picture_legend_item(const Picture& sample, const std::string& words);

// How classes and differences are drawn, for those that occur in the cases.
[[nodiscard]] Html report_picture_legend(const ReportInput& input);

}  // namespace marrow
