#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/records.h"

namespace marrow {

class Catalogue;

// Why a series got its verdict, from what the catalogue keeps of its files; no file is opened.
struct SeriesExplanation {
  SeriesRecord record;
  std::string axes;                  // where i, j and k run to: "LPS", "PSR"; empty without a grid
  std::vector<double> positions_mm;  // of the slices along their normal (DICOM)
  double median_step_mm = 0;
  std::vector<std::string> gaps;        // "6.00 mm after 34.50 mm"
  std::vector<std::string> tolerances;  // those that were tried, or the one that was broken
  std::vector<std::string> warnings;
  std::vector<std::string>
      stacks;  // the other series records of the same DICOM series, "KEY verdict reason"
};

[[nodiscard]] SeriesExplanation explain_series(const Catalogue& catalogue,
                                               const SeriesRecord& record);

// For the terminal, lines of at most 100 characters where the sentences allow; ends with a line
// end.
[[nodiscard]] std::string explanation_text(const SeriesExplanation& explanation);
// series_json of the record plus axes, positions_mm, median_step_mm, gaps, tolerances, warnings,
// stacks, paths.
[[nodiscard]] nlohmann::json explanation_json(const SeriesExplanation& explanation);

// Letters of the directions that the axes of a grid run to (L R A P S I), e.g. "LPS" for the
// identity.
[[nodiscard]] std::string axis_letters(const Geometry& geometry);

}  // namespace marrow
