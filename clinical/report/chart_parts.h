#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "clinical/report/chart.h"

namespace marrow {

// What line and dot charts share. Lengths are units of the view box, which is kChartWidth wide.

inline constexpr double kChartWidth = 440;
inline constexpr double kTextHeight = 13;
inline constexpr std::size_t kSeriesStyles = 6;

// "s1" ... "s6".
[[nodiscard]] std::string series_class(std::size_t series);
// stroke-dasharray of the series' line; "none" for the first.
[[nodiscard]] std::string series_dash(std::size_t series);
// A circle, square, triangle, diamond, cross or plus around (x, y).
[[nodiscard]] Html series_marker(
    std::size_t series, double x, double y, double radius, bool filled);

// How wide the words will be, within a fifth.
[[nodiscard]] double text_width(std::string_view words);
// At most `limit` characters, the middle replaced by an ellipsis.
[[nodiscard]] std::string shortened(std::string_view words, std::size_t limit);
// Coordinates with one decimal.
[[nodiscard]] std::string svg_number(double value);

enum class TextAnchor { kStart, kMiddle, kEnd };

[[nodiscard]] Html svg_text(
    double x, double y, TextAnchor anchor, const std::string& classes, std::string_view words);
[[nodiscard]] Html svg_line(double x1, double y1, double x2, double y2, const std::string& classes);

// Where a value lies between two ends of an axis on the page.
struct AxisMap {
  double low = 0;
  double high = 1;
  AxisScale scale = AxisScale::kLinear;
  double from = 0;  // page position of `low`
  double to = 1;    // page position of `high`

  [[nodiscard]] double operator()(double value) const;
};

// "loss" or "HD95 (mm)".
[[nodiscard]] std::string axis_title(const ChartAxis& axis);

// The smallest and largest of the finite values (positive ones on a log axis) with the axis' own
// ends respected; widened when empty or a single value, and then to the next ticks when `to_ticks`.
struct ChartRange {
  double low = 0;
  double high = 1;
};

[[nodiscard]] ChartRange chart_range(const ChartAxis& axis,
                                     const std::vector<double>& values,
                                     bool to_ticks);

// <figure class="..."> with title, <svg role="img"> of the given height, and its description as a
// label.
[[nodiscard]] Html chart_figure(const std::string& title,
                                const std::string& description,
                                double height,
                                const Html& content);

}  // namespace marrow
