#include <algorithm>
#include <cmath>

#include "clinical/report/chart.h"
#include "clinical/report/chart_parts.h"

namespace marrow {

namespace {

constexpr std::size_t kRowLetters = 20;
constexpr std::size_t kManyDots = 12;
constexpr double kLaneHeight = 17;

void add_estimate(std::vector<double>& values, const Estimate& estimate) {
  values.insert(values.end(), {estimate.value, estimate.low, estimate.high});
}

bool drawable(const Estimate& estimate, const AxisMap& map) {
  return std::isfinite(estimate.value) && (map.scale == AxisScale::kLinear || estimate.value > 0);
}

double placed(double value, const AxisMap& map) {
  return map(std::clamp(value, map.low, map.high));
}

Html drawn_whisker(const Estimate& estimate, const AxisMap& map, double y) {
  if (!estimate.has_interval()) {
    return {};
  }
  const double low = placed(estimate.low, map);
  const double high = placed(estimate.high, map);
  return svg_line(low, y, high, y, "whisker") + svg_line(low, y - 4, low, y + 4, "whisker") +
         svg_line(high, y - 4, high, y + 4, "whisker");
}

// Equal values would hide each other: a fixed small zigzag keeps them apart.
double dot_shift(std::size_t index, std::size_t count) {
  static constexpr double kShifts[] = {0, -3, 3, -1.5, 1.5};
  return count > 1 ? kShifts[index % 5] : 0;
}

Html drawn_lane(const DotRow& row, std::size_t series, const AxisMap& map, double y) {
  Html content;
  if (series < row.dots.size()) {
    const std::vector<Estimate>& dots = row.dots[series];
    Html marks;
    for (std::size_t i = 0; i < dots.size(); ++i) {
      if (drawable(dots[i], map)) {
        marks += drawn_whisker(dots[i], map, y);
        marks += series_marker(series,
                               placed(dots[i].value, map),
                               y + dot_shift(i, dots.size()),
                               dots.size() > kManyDots ? 2.6 : 4,
                               dots.size() == 1);
      }
    }
    content += html_element("g", {{"class", dots.size() > 1 ? "faint" : "single"}}, marks);
  }
  if (series < row.summary.size() && drawable(row.summary[series], map)) {
    const Estimate& summary = row.summary[series];
    content += drawn_whisker(summary, map, y);
    content += series_marker(series, placed(summary.value, map), y, 5.5, true);
  }
  return html_element("g", {{"class", series_class(series)}}, content);
}

Html dot_legend(const DotChart& chart, double left) {
  if (chart.series.size() < 2) {
    return {};
  }
  Html content;
  double x = left;
  double y = 12;
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    const double width = 16 + text_width(chart.series[s]) + 14;
    if (x > left && x + width > kChartWidth) {
      x = left;
      y += kLaneHeight;
    }
    content += html_element("g",
                            {{"class", series_class(s)}},
                            series_marker(s, x + 6, y - 4, 5, true) +
                                svg_text(x + 16, y, TextAnchor::kStart, "series", chart.series[s]));
    x += width;
  }
  return content;
}

double legend_height(const DotChart& chart, double left) {
  if (chart.series.size() < 2) {
    return 0;
  }
  double x = left;
  double height = kLaneHeight + 5;
  for (const std::string& name : chart.series) {
    const double width = 30 + text_width(name);
    if (x > left && x + width > kChartWidth) {
      x = left;
      height += kLaneHeight;
    }
    x += width;
  }
  return height;
}

}  // namespace

Html dot_chart(const DotChart& chart) {
  std::vector<double> values;
  double label_width = 0;
  bool summaries = false;
  for (const DotRow& row : chart.rows) {
    for (const std::vector<Estimate>& dots : row.dots) {
      for (const Estimate& dot : dots) {
        add_estimate(values, dot);
      }
    }
    for (const Estimate& summary : row.summary) {
      add_estimate(values, summary);
      summaries = true;
    }
    label_width = std::max(label_width, text_width(shortened(row.label, kRowLetters)));
  }
  if (std::none_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); })) {
    return {};
  }
  // Rows of one case each share a line; rows of structures give each series a lane.
  const std::size_t lanes = summaries ? std::max<std::size_t>(chart.series.size(), 1) : 1;
  const double row_height = static_cast<double>(lanes) * kLaneHeight + (summaries ? 10 : 0);
  values.push_back(chart.reference);
  const ChartRange range = chart_range(chart.x, values, true);
  const double left = label_width + 12;
  const double top = legend_height(chart, left) + 4;
  const double bottom = top + row_height * static_cast<double>(chart.rows.size());
  const AxisMap map{range.low, range.high, chart.x.scale, left + 4, kChartWidth - 14};
  const ChartTicks ticks = chart_ticks(range.low, range.high, chart.x.scale, 4);

  Html content = dot_legend(chart, left);
  for (std::size_t i = 0; i < ticks.values.size(); ++i) {
    const double x = map(ticks.values[i]);
    content += svg_line(x, top, x, bottom, "grid");
    content += svg_text(x, bottom + 17, TextAnchor::kMiddle, "tick", ticks.labels[i]);
  }
  if (std::isfinite(chart.reference) && chart.reference >= map.low && chart.reference <= map.high) {
    content += svg_line(map(chart.reference), top, map(chart.reference), bottom, "axis");
  }
  // Many lanes a row read as one block without a line between the rows.
  for (std::size_t r = 1; lanes > 2 && r < chart.rows.size(); ++r) {
    const double y = top + row_height * static_cast<double>(r);
    content += svg_line(left, y, kChartWidth - 8, y, "grid");
  }
  content += svg_line(left, bottom, kChartWidth - 8, bottom, "axis");
  content +=
      svg_text((map.from + map.to) / 2, bottom + 37, TextAnchor::kMiddle, "", axis_title(chart.x));
  for (std::size_t r = 0; r < chart.rows.size(); ++r) {
    const DotRow& row = chart.rows[r];
    const double middle = top + row_height * (static_cast<double>(r) + 0.5);
    content += svg_text(
        label_width + 4, middle + 4, TextAnchor::kEnd, "", shortened(row.label, kRowLetters));
    const bool pair =
        chart.connect && row.dots.size() > 1 && row.dots[0].size() == 1 && row.dots[1].size() == 1;
    if (pair && drawable(row.dots[0][0], map) && drawable(row.dots[1][0], map)) {
      content += svg_line(placed(row.dots[0][0].value, map),
                          middle,
                          placed(row.dots[1][0].value, map),
                          middle,
                          "link");
    }
    for (std::size_t s = std::max(row.dots.size(), row.summary.size()); s-- > 0;) {
      const double lane =
          lanes == 1 ? 0
                     : (static_cast<double>(s) - static_cast<double>(lanes - 1) / 2) * kLaneHeight;
      content += drawn_lane(row, s, map, middle + lane);
    }
  }
  return chart_figure(chart.title, chart.description, bottom + 44, content);
}

}  // namespace marrow
