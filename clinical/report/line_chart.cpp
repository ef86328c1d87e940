#include <algorithm>
#include <cmath>

#include "clinical/report/chart.h"
#include "clinical/report/chart_parts.h"

namespace marrow {

namespace {

constexpr double kLineChartHeight = 270;
constexpr double kLineTop = 12;
constexpr double kLineBottom = 226;
constexpr double kLabelGap = 15;
constexpr std::size_t kLabelLetters = 16;
constexpr std::size_t kMarkers = 7;

struct DrawnPoint {
  double x = 0;
  double y = 0;
  double low = 0;
  double high = 0;
  bool interval = false;
};

struct EndLabel {
  std::size_t series = 0;
  double x = 0;
  double y = 0;
};

bool on_axis(double value, AxisScale scale) {
  return std::isfinite(value) && (scale == AxisScale::kLinear || value > 0);
}

std::vector<DrawnPoint> drawn_points(const LineSeries& series,
                                     const AxisMap& x_map,
                                     const AxisMap& y_map) {
  std::vector<DrawnPoint> points;
  for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
    const Estimate& y = series.y[i];
    if (!on_axis(series.x[i], x_map.scale) || !on_axis(y.value, y_map.scale)) {
      continue;
    }
    DrawnPoint point{x_map(series.x[i]), y_map(y.value), 0, 0, false};
    if (on_axis(y.low, y_map.scale) && on_axis(y.high, y_map.scale)) {
      point.low = y_map(std::clamp(y.low, y_map.low, y_map.high));
      point.high = y_map(std::clamp(y.high, y_map.low, y_map.high));
      point.interval = true;
    }
    points.push_back(point);
  }
  return points;
}

std::string point_list(const std::vector<DrawnPoint>& points) {
  std::string list;
  for (const DrawnPoint& point : points) {
    list += (list.empty() ? "" : " ") + svg_number(point.x) + "," + svg_number(point.y);
  }
  return list;
}

Html interval_band(const std::vector<DrawnPoint>& points) {
  std::string upper;
  std::string lower;
  std::size_t count = 0;
  for (const DrawnPoint& point : points) {
    if (point.interval) {
      upper += svg_number(point.x) + "," + svg_number(point.high) + " ";
      lower.insert(0, svg_number(point.x) + "," + svg_number(point.low) + " ");
      ++count;
    }
  }
  return count < 2 ? Html{} : html_leaf("polygon", {{"class", "band"}, {"points", upper + lower}});
}

Html drawn_series(std::size_t index, const std::vector<DrawnPoint>& points) {
  Html content = interval_band(points);
  if (points.size() > 1) {
    content += html_leaf("polyline",
                         {{"class", "line"},
                          {"stroke-dasharray", series_dash(index)},
                          {"points", point_list(points)}});
  }
  // Few markers, shifted a little from series to series, so that long curves stay readable.
  const std::size_t stride = std::max<std::size_t>(1, points.size() / kMarkers);
  const std::size_t first = points.size() > kMarkers ? (index * stride / 3) % stride : 0;
  for (std::size_t i = first; i < points.size(); i += stride) {
    if (stride == 1 && points[i].interval && points.size() == 1) {
      content += svg_line(points[i].x, points[i].low, points[i].x, points[i].high, "whisker");
    }
    content += series_marker(index, points[i].x, points[i].y, 3.6, true);
  }
  return html_element("g", {{"class", series_class(index)}}, content);
}

// Moves labels apart without changing their order.
void spread_labels(std::vector<EndLabel>& labels) {
  std::sort(
      labels.begin(), labels.end(), [](const EndLabel& a, const EndLabel& b) { return a.y < b.y; });
  for (std::size_t i = 1; i < labels.size(); ++i) {
    labels[i].y = std::max(labels[i].y, labels[i - 1].y + kLabelGap);
  }
  for (std::size_t i = labels.size(); i-- > 0;) {
    const double limit = i + 1 == labels.size() ? kLineBottom : labels[i + 1].y - kLabelGap;
    labels[i].y = std::min(labels[i].y, limit);
  }
}

Html line_axes(const LineChart& chart,
               const AxisMap& x_map,
               const AxisMap& y_map,
               const ChartTicks& x_ticks,
               const ChartTicks& y_ticks) {
  Html content;
  for (std::size_t i = 0; i < y_ticks.values.size(); ++i) {
    const double y = y_map(y_ticks.values[i]);
    content += svg_line(x_map.from, y, x_map.to, y, "grid");
    content += svg_text(x_map.from - 6, y + 4, TextAnchor::kEnd, "tick", y_ticks.labels[i]);
  }
  content += svg_line(x_map.from, kLineBottom, x_map.to, kLineBottom, "axis");
  for (std::size_t i = 0; i < x_ticks.values.size(); ++i) {
    const double x = x_map(x_ticks.values[i]);
    content += svg_line(x, kLineBottom, x, kLineBottom + 5, "axis");
    content += svg_text(x, kLineBottom + 18, TextAnchor::kMiddle, "tick", x_ticks.labels[i]);
  }
  content += svg_text((x_map.from + x_map.to) / 2,
                      kLineChartHeight - 6,
                      TextAnchor::kMiddle,
                      "",
                      axis_title(chart.x));
  content += html_element("g",
                          {{"transform", "translate(13 119) rotate(-90)"}},
                          svg_text(0, 0, TextAnchor::kMiddle, "", axis_title(chart.y)));
  return content;
}

}  // namespace

Html line_chart(const LineChart& chart) {
  std::vector<double> xs;
  std::vector<double> ys;
  double label_width = 0;
  for (const LineSeries& series : chart.series) {
    for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
      const Estimate& y = series.y[i];
      if (on_axis(series.x[i], chart.x.scale) && on_axis(y.value, chart.y.scale)) {
        xs.push_back(series.x[i]);
        ys.insert(ys.end(), {y.value, y.low, y.high});
      }
    }
    label_width = std::max(label_width, text_width(shortened(series.name, kLabelLetters)));
  }
  if (xs.empty()) {
    return {};
  }
  const ChartRange x_range = chart_range(chart.x, xs, false);
  const ChartRange y_range = chart_range(chart.y, ys, true);
  const ChartTicks x_ticks = chart_ticks(x_range.low, x_range.high, chart.x.scale, 4);
  const ChartTicks y_ticks = chart_ticks(y_range.low, y_range.high, chart.y.scale, 5);
  double tick_width = 0;
  for (const std::string& label : y_ticks.labels) {
    tick_width = std::max(tick_width, text_width(label) * 0.95);
  }
  const AxisMap x_map{x_range.low,
                      x_range.high,
                      chart.x.scale,
                      30 + tick_width,
                      kChartWidth - 14 - (label_width > 0 ? label_width + 4 : 0)};
  const AxisMap y_map{y_range.low, y_range.high, chart.y.scale, kLineBottom, kLineTop};

  Html content = line_axes(chart, x_map, y_map, x_ticks, y_ticks);
  std::vector<EndLabel> labels;
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    const std::vector<DrawnPoint> points = drawn_points(chart.series[s], x_map, y_map);
    content += drawn_series(s, points);
    if (!points.empty() && !chart.series[s].name.empty()) {
      labels.push_back({s, points.back().x + 9, points.back().y});
    }
  }
  spread_labels(labels);
  for (const EndLabel& label : labels) {
    content += html_element("g",
                            {{"class", series_class(label.series)}},
                            svg_text(label.x,
                                     label.y + 4,
                                     TextAnchor::kStart,
                                     series_class(label.series) + " series",
                                     shortened(chart.series[label.series].name, kLabelLetters)));
  }
  return chart_figure(chart.title, chart.description, kLineChartHeight, content);
}

}  // namespace marrow
