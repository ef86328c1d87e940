#include <algorithm>
#include <cmath>

#include "clinical/report/chart.h"
#include "clinical/report/data_flow.h"
#include "clinical/report/reduction_sections.h"

namespace marrow {

namespace {

// Slices from found to kept, with what each filter dropped.
DataFlow slice_flow(const ReductionInput& input) {
  const ReductionTotals& totals = input.totals;
  DataFlow flow;
  std::int64_t slices = totals.slices.before;
  flow.steps.push_back({"slices found",
                        slices,
                        totals.series.before > 0
                            ? "in " + counted_text(totals.series.before, "series", "series")
                            : std::string(),
                        {}});
  for (const ReductionFilter& filter : input.filters) {
    std::string reason = filter.name;
    if (!filter.threshold.empty()) {
      reason += " (" + filter.threshold + ")";
    }
    if (filter.dropped_series > 0) {
      reason += ", " + count_text(filter.dropped_series) + " whole series among them";
    }
    if (filter.dropped_slices > 0) {
      flow.steps.back().losses.push_back({reason, filter.dropped_slices});
      slices -= filter.dropped_slices;
      flow.steps.push_back({"left after " + filter.name, slices, "", {}});
    }
  }
  if (flow.steps.size() > 1) {
    flow.steps.back().label = "slices kept";
    if (totals.series.before > 0) {
      flow.steps.back().note = "in " + counted_text(totals.series.kept, "series", "series");
    }
  }
  return flow;
}

// A cell of one line, as "5 min 48 s" shall be.
Html unbroken(const std::string& words) {
  return html_element("span", {{"class", "unbroken"}}, html_text(words));
}

Html filter_table(const ReductionInput& input) {
  HtmlTable table;
  table.caption = "Filters, in the order in which they ran";
  table.columns = {{"Filter", "", false},
                   {"Drops", "", false},
                   {"Threshold", "", false},
                   {"Series", "dropped as a whole", true},
                   {"Slices", "dropped, with those of dropped series", true},
                   {"Time", "", true}};
  for (const ReductionFilter& filter : input.filters) {
    table.rows.push_back(
        {html_text(filter.name),
         html_text(filter.meaning),
         html_text(filter.threshold.empty() ? "–" : filter.threshold),
         html_text(count_text(filter.dropped_series)),
         html_text(count_text(filter.dropped_slices)),
         unbroken(std::isfinite(filter.seconds) ? seconds_text(filter.seconds) : "–")});
  }
  return table.rows.empty() ? Html{} : html_table(table);
}

Html amount_table(const ReductionTotals& totals) {
  HtmlTable table;
  table.caption = "Before and after";
  table.columns = {{"", "", false},
                   {"Before", "", true},
                   {"Kept", "", true},
                   {"Saved", "", true},
                   {"Share kept", "", true}};
  const auto add = [&](const std::string& name, const ReductionAmount& amount, const auto& words) {
    if (amount.before > 0) {
      table.rows.push_back({html_text(name),
                            html_text(words(amount.before)),
                            html_text(words(amount.kept)),
                            html_text(words(amount.before - amount.kept)),
                            html_text(share_text(amount.kept, amount.before))});
    }
  };
  add("Series", totals.series, count_text);
  add("Slices", totals.slices, count_text);
  add("Volume store", totals.store_bytes, byte_text);
  add(totals.batch_size > 0 ? "Training steps an epoch, batches of " + count_text(totals.batch_size)
                            : "Training steps an epoch",
      totals.steps,
      count_text);
  Html content = table.rows.empty() ? Html{} : html_table(table);
  if (totals.store_bytes.before > 0 && !totals.store_note.empty()) {
    content += html_element("p", {{"class", "quiet"}}, html_text(totals.store_note));
  }
  return content;
}

Html settings_table(const ReductionInput& input) {
  HtmlTable table;
  table.caption = "What was asked for";
  table.columns = {{"Setting", "", false}, {"Value", "", false}};
  for (const auto& [name, words] : input.settings) {
    table.rows.push_back({html_text(name), html_text(words)});
  }
  return table.rows.empty() ? Html{} : html_table(table);
}

std::string threshold_text(double threshold) {
  return threshold == std::round(threshold) && std::abs(threshold) < 1e6
             ? count_text(static_cast<std::int64_t>(threshold))
             : number_text(threshold);
}

// What the neighbours of the chosen threshold would have kept.
std::string curve_words(const ReductionCurve& curve) {
  const std::string unit = curve.unit.empty() ? "" : " " + curve.unit;
  std::string words = "Chosen threshold: " + threshold_text(curve.chosen.threshold) + unit +
                      ", which keeps " + counted_text(curve.chosen.kept, "slice", "slices") + ".";
  const ReductionPoint* below = nullptr;
  const ReductionPoint* above = nullptr;
  for (const ReductionPoint& point : curve.points) {
    if (point.threshold < curve.chosen.threshold) {
      below = &point;
    } else if (point.threshold > curve.chosen.threshold && above == nullptr) {
      above = &point;
    }
  }
  const auto neighbour = [&](const ReductionPoint& point) {
    return "at " + threshold_text(point.threshold) + " it would have kept " +
           count_text(point.kept);
  };
  if (below != nullptr && above != nullptr) {
    words += " For comparison: " + neighbour(*below) + ", " + neighbour(*above) + ".";
  }
  return words;
}

Html curve_block(const ReductionCurve& curve) {
  LineChart chart;
  chart.title = "Slices kept at each threshold";
  chart.description = curve_words(curve);
  chart.x = {curve.measure + ", threshold", curve.unit};
  chart.y = {"slices kept", ""};
  chart.y.low = 0;
  LineSeries kept;
  HtmlTable table;
  table.columns = {{"Threshold", curve.unit, true}, {"Slices kept", "", true}};
  for (const ReductionPoint& point : curve.points) {
    kept.x.push_back(point.threshold);
    kept.y.push_back({static_cast<double>(point.kept)});
    table.rows.push_back(
        {html_text(threshold_text(point.threshold)), html_text(count_text(point.kept))});
  }
  // A line from the axis up to the curve marks the chosen threshold.
  const LineSeries chosen{"chosen",
                          {curve.chosen.threshold, curve.chosen.threshold},
                          {{0.0}, {static_cast<double>(curve.chosen.kept)}}};
  chart.series = {std::move(kept), chosen};
  const std::string title =
      curve.filter.empty() ? "Chosen threshold" : "Filter \u201c" + curve.filter + "\u201d";
  return html_element("h3", html_text(title)) + html_code("\n") +
         html_element("div", {{"class", "charts"}}, line_chart(chart)) + html_code("\n") +
         html_paragraph(curve_words(curve)) + html_code("\n") +
         html_folded("All thresholds as a table", html_table(table));
}

Html measure_table(const ReductionInput& input) {
  HtmlTable table;
  table.long_cells = true;
  table.caption = "Other measures at about as many kept slices";
  table.columns = {{"Measure", "", false},
                   {"Threshold", "for about as many", true},
                   {"Slices kept", "", true},
                   {"Agreement", "share of the chosen slices that it keeps too", true}};
  for (const ReductionMeasure& measure : input.measures) {
    table.rows.push_back(
        {html_text(measure.name),
         html_text(threshold_text(measure.threshold)),
         html_text(count_text(measure.kept)),
         html_text(std::isfinite(measure.agreement) ? number_text(100 * measure.agreement) + " %"
                                                    : "–")});
  }
  return table.rows.empty() ? Html{} : html_table(table);
}

}  // namespace

Html reduction_data(const ReductionInput& input) {
  Html content;
  if (input.totals.slices.before > 0) {
    content += html_paragraph(
                   "From what was found to what was kept. A slice counts with the first filter "
                   "that dropped it.") +
               html_code("\n") + flow_diagram(slice_flow(input));
  }
  return content + amount_table(input.totals) + filter_table(input) + settings_table(input);
}

Html reduction_curves(const ReductionInput& input) {
  Html content;
  for (const ReductionCurve& curve : input.curves) {
    if (!curve.points.empty()) {
      content += curve_block(curve);
    }
  }
  return content + measure_table(input);
}

}  // namespace marrow
