#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clinical/report/html.h"
#include "clinical/report/number_text.h"

namespace marrow {

// Charts as SVG in the page's own markup: they follow light and dark, scale with the column, and
// stay readable when printed in grey, since series differ by colour, dash and marker and carry
// their names.

enum class AxisScale { kLinear, kLog };

struct ChartTicks {
  std::vector<double>
      values;  // ascending, within [low, high] (log: powers, or 1-2-5 when few decades are covered)
  std::vector<std::string> labels;  // as a person would write them
};

// About `wanted` ticks at multiples of 1, 2 or 5 times a power of ten inside [low, high].
// low < high, both finite; kLog: low > 0. Throws Error{kInvalidArgument} otherwise.
[[nodiscard]] ChartTicks chart_ticks(double low, double high, AxisScale scale, int wanted = 5);

struct ChartAxis {
  std::string name;
  std::string unit;  // "" for none
  AxisScale scale = AxisScale::kLinear;
  // Range to show; NaN: from the data.
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
};

struct LineSeries {
  std::string name;       // written at the end of the line; may be empty when there is only one
  std::vector<double> x;  // ascending
  std::vector<Estimate>
      y;  // as many; points that are not finite (or not positive on a log axis) are left out
};

struct LineChart {
  std::string title;
  std::string description;  // for readers who cannot see it; completes "Chart: ..."
  ChartAxis x;
  ChartAxis y;
  std::vector<LineSeries> series;
};

// <figure>; empty when no series has a point. At most six series keep their own colour, dash and
// marker.
[[nodiscard]] Html line_chart(const LineChart& chart);

struct DotRow {
  std::string label;
  std::vector<std::vector<Estimate>>
      dots;  // per series any number of values: hollow, drawn small when many
  std::vector<Estimate>
      summary;  // per series the mean with its interval: filled, with a whisker; may be empty
};

// Values along one axis, a row for each structure or case.
struct DotChart {
  std::string title;
  std::string description;
  ChartAxis x;
  std::vector<std::string> series;  // names; one entry at least
  std::vector<DotRow> rows;
  bool connect = false;  // a line between the first dots of the first two series of a row
  // A line through all rows at this value, as at a difference of 0; NaN for none.
  double reference = std::numeric_limits<double>::quiet_NaN();
};

[[nodiscard]] Html dot_chart(const DotChart& chart);

}  // namespace marrow
