#include "clinical/report/chart_parts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

namespace {

constexpr double kTickTolerance = 1e-9;

// The smallest of 1, 2, 5 times a power of ten that is at least `least`.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - kTickTolerance)) {
      return factor * power;
    }
  }
  return 10 * power;
}

std::string tick_label(double value, double step) {
  if (std::abs(value) < step * kTickTolerance) {
    return "0";
  }
  if (step < 9e-4) {
    // The mantissa needs as many digits as there are between the value and the step.
    const double digits = std::floor(std::log10(std::abs(value)) + kTickTolerance) -
                          std::floor(std::log10(step) + kTickTolerance) + 1;
    return number_text(value, std::max(1, static_cast<int>(digits)));
  }
  return fixed_text(value, std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-6))));
}

ChartTicks linear_ticks(double low, double high, int wanted) {
  const double step = round_step((high - low) / std::max(wanted, 1));
  ChartTicks ticks;
  const auto first = static_cast<std::int64_t>(std::ceil(low / step - 1e-6));
  const auto last = static_cast<std::int64_t>(std::floor(high / step + 1e-6));
  for (std::int64_t i = first; i <= last; ++i) {
    ticks.values.push_back(static_cast<double>(i) * step);
    ticks.labels.push_back(tick_label(ticks.values.back(), step));
  }
  return ticks;
}

ChartTicks log_ticks(double low, double high, int wanted) {
  const double decades = std::log10(high / low);
  if (decades < 0.7) {
    return linear_ticks(low, high, wanted);
  }
  const int first = static_cast<int>(std::floor(std::log10(low) - 1e-6));
  const int last = static_cast<int>(std::ceil(std::log10(high) + 1e-6));
  const int stride = std::max(1, static_cast<int>(std::ceil(decades / std::max(wanted, 1))));
  const std::vector<double> factors = decades < 2.2   ? std::vector<double>{1, 2, 5}
                                      : decades < 3.2 ? std::vector<double>{1, 3}
                                                      : std::vector<double>{1};
  ChartTicks ticks;
  for (int exponent = first; exponent <= last; ++exponent) {
    if (factors.size() == 1 && (exponent % stride + stride) % stride != 0) {
      continue;
    }
    for (const double factor : factors) {
      const double value = factor * std::pow(10.0, exponent);
      if (value >= low * (1 - 1e-6) && value <= high * (1 + 1e-6)) {
        ticks.values.push_back(value);
        ticks.labels.push_back(tick_label(value, value));
      }
    }
  }
  return ticks;
}

}  // namespace

ChartTicks chart_ticks(double low, double high, AxisScale scale, int wanted) {
  const bool possible = std::isfinite(low) && std::isfinite(high) && low < high;
  if (!possible || (scale == AxisScale::kLog && low <= 0)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("chart_ticks: expected finite low < high (above 0 on a log axis), "
                            "found {} and {}",
                            low,
                            high));
  }
  return scale == AxisScale::kLog ? log_ticks(low, high, wanted) : linear_ticks(low, high, wanted);
}

std::string series_class(std::size_t series) {
  return "s" + std::to_string(series % kSeriesStyles + 1);
}

std::string series_dash(std::size_t series) {
  static constexpr std::array<const char*, kSeriesStyles> kDashes{
      "none", "7 4", "2 4", "9 3 2 3", "4 2", "12 3 2 3 2 3"};
  return kDashes[series % kSeriesStyles];
}

Html series_marker(std::size_t series, double x, double y, double radius, bool filled) {
  const std::string classes = filled ? "mark" : "open";
  const auto path = [&](const std::string& steps) {
    return html_leaf(
        "path", {{"class", classes}, {"d", "M" + svg_number(x) + " " + svg_number(y) + steps}});
  };
  const std::string r = svg_number(radius);
  const std::string d = svg_number(2 * radius);
  const std::string half = svg_number(radius / 2);
  switch (series % kSeriesStyles) {
    case 0:
      return html_leaf(
          "circle", {{"class", classes}, {"cx", svg_number(x)}, {"cy", svg_number(y)}, {"r", r}});
    case 1:
      return path("m-" + r + " -" + r + "h" + d + "v" + d + "h-" + d + "z");
    case 2:
      return path("m0 -" + r + "l" + r + " " + d + "h-" + d + "z");
    case 3:
      return path("m0 -" + r + "l" + r + " " + r + "l-" + r + " " + r + "l-" + r + " -" + r + "z");
    case 4:
      return html_leaf("path",
                       {{"class", "open"},
                        {"d",
                         "M" + svg_number(x) + " " + svg_number(y) + "m-" + r + " -" + r + "l" + d +
                             " " + d + "m0 -" + d + "l-" + d + " " + d}});
    default:
      return path("m-" + half + " -" + r + "h" + r + "l" + half + " " + r + "l-" + half + " " + r +
                  "h-" + r + "l-" + half + " -" + r + "z");
  }
}

double text_width(std::string_view words) {
  double characters = 0;
  for (const char c : words) {
    characters += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  }
  return characters * 8.4;  // DejaVu Sans, the widest of the fonts that are asked for
}

std::string shortened(std::string_view words, std::size_t limit) {
  std::vector<std::string> characters;
  for (const char c : words) {
    if (characters.empty() || (static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
      characters.emplace_back();
    }
    characters.back() += c;
  }
  if (characters.size() <= limit || limit < 3) {
    return std::string(words);
  }
  const std::size_t tail = (limit - 1) / 2;
  const std::size_t head = limit - 1 - tail;
  std::string text;
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (i < head || i >= characters.size() - tail) {
      text += characters[i];
    } else if (i == head) {
      text += "\u2026";
    }
  }
  return text;
}

std::string svg_number(double value) {
  std::string text = fmt::format("{:.1f}", value);
  if (text.ends_with(".0")) {
    text.resize(text.size() - 2);
  }
  return text == "-0" ? "0" : text;
}

Html svg_text(
    double x, double y, TextAnchor anchor, const std::string& classes, std::string_view words) {
  static constexpr std::array<const char*, 3> kAnchors{"start", "middle", "end"};
  return html_element("text",
                      {{"x", svg_number(x)},
                       {"y", svg_number(y)},
                       {"text-anchor", kAnchors[static_cast<std::size_t>(anchor)]},
                       {"class", classes}},
                      html_text(words));
}

Html svg_line(double x1, double y1, double x2, double y2, const std::string& classes) {
  return html_leaf("line",
                   {{"x1", svg_number(x1)},
                    {"y1", svg_number(y1)},
                    {"x2", svg_number(x2)},
                    {"y2", svg_number(y2)},
                    {"class", classes}});
}

double AxisMap::operator()(double value) const {
  const double part = scale == AxisScale::kLog ? std::log(value / low) / std::log(high / low)
                                               : (value - low) / (high - low);
  return from + part * (to - from);
}

std::string axis_title(const ChartAxis& axis) {
  return axis.unit.empty() ? axis.name : axis.name + " (" + axis.unit + ")";
}

ChartRange chart_range(const ChartAxis& axis, const std::vector<double>& values, bool to_ticks) {
  const bool log_scale = axis.scale == AxisScale::kLog;
  ChartRange range{std::numeric_limits<double>::infinity(),
                   -std::numeric_limits<double>::infinity()};
  for (const double value : values) {
    if (std::isfinite(value) && (!log_scale || value > 0)) {
      range = {std::min(range.low, value), std::max(range.high, value)};
    }
  }
  if (range.low > range.high) {
    range = log_scale ? ChartRange{0.1, 1} : ChartRange{0, 1};
  }
  if (range.high - range.low <= 1e-12 * std::abs(range.high)) {
    const double pad = range.low == 0 ? 1 : std::abs(range.low) * 0.1;
    range = {range.low - pad, range.high + pad};
  }
  if (to_ticks && !log_scale) {
    const double step = round_step((range.high - range.low) / 5);
    range = {std::floor(range.low / step + 1e-6) * step,
             std::ceil(range.high / step - 1e-6) * step};
  } else if (to_ticks) {
    range = {range.low / 1.1, range.high * 1.1};
  }
  const auto given = [&](double end) { return std::isfinite(end) && (!log_scale || end > 0); };
  if (given(axis.low) && axis.low < range.high) {
    range.low = axis.low;
  }
  if (given(axis.high) && axis.high > range.low) {
    range.high = axis.high;
  }
  return range;
}

Html chart_figure(const std::string& title,
                  const std::string& description,
                  double height,
                  const Html& content) {
  const std::string label = "Chart: " + (description.empty() ? title : description);
  Html figure;
  if (!title.empty()) {
    figure += html_element("h4", html_text(title));
  }
  figure += html_element("svg",
                         {{"class", "chart"},
                          {"role", "img"},
                          {"aria-label", label},
                          {"viewBox", "0 0 " + svg_number(kChartWidth) + " " + svg_number(height)}},
                         content);
  return html_element("figure", figure) + html_code("\n");
}

}  // namespace marrow
