#include <algorithm>
#include <cctype>
#include <cmath>

#include "clinical/report/chart.h"
#include "clinical/report/report_sections.h"
#include "core/error.h"

namespace marrow {

namespace {

constexpr std::size_t kOpenCases = 12;   // longer per-case tables are folded
constexpr std::size_t kChartCases = 40;  // more than this many rows tell nothing
constexpr std::size_t kListedWorst = 5;
constexpr std::size_t kFewCases = 30;

// Decimals of one metric, the same in every table.
std::vector<int> metric_decimals(const ReportScores& table) {
  std::vector<int> decimals;
  for (std::size_t m = 0; m < table.metrics.size(); ++m) {
    std::vector<double> values;
    for (const ReportStructureRow& row : table.structures) {
      if (m < row.scores.size()) {
        values.push_back(row.scores[m].value);
      }
    }
    decimals.push_back(column_decimals(values));
  }
  return decimals;
}

std::string metric_note(const ReportMetric& metric) {
  std::string note = metric.unit.empty() ? "" : "in " + metric.unit;
  if (!metric.definition.empty()) {
    note += (note.empty() ? "" : "; ") + metric.definition;
  }
  return note + (note.empty() ? "" : "; ") +
         (metric.higher_is_better ? "higher is better" : "lower is better");
}

Html estimate_cell(const Estimate& estimate, int decimals) {
  Html cell = html_text(fixed_text(estimate.value, decimals));
  if (estimate.has_interval()) {
    cell += html_text(" ") +
            html_element("small", html_text("(" + interval_text(estimate, decimals) + ")"));
  }
  return html_element("span", cell);
}

Html structure_table(const ReportScores& table) {
  const std::vector<int> decimals = metric_decimals(table);
  HtmlTable rows;
  rows.caption = "Scores per structure: mean over cases" +
                 (table.interval.empty() ? std::string() : " (" + table.interval + ")");
  rows.columns.push_back({"Structure", "", false});
  for (const ReportMetric& metric : table.metrics) {
    rows.columns.push_back({metric.name, metric_note(metric), true});
  }
  rows.columns.push_back({"n", "cases scored", true});
  std::vector<ReportStructureRow> lines = table.structures;
  if (table.mean) {
    lines.push_back(*table.mean);
  }
  for (const ReportStructureRow& line : lines) {
    std::vector<Html> cells{html_text(line.structure)};
    for (std::size_t m = 0; m < table.metrics.size(); ++m) {
      cells.push_back(
          estimate_cell(m < line.scores.size() ? line.scores[m] : Estimate{}, decimals[m]));
    }
    cells.push_back(html_text(count_text(line.n)));
    rows.rows.push_back(std::move(cells));
  }
  return html_table(rows);
}

// Worst first; cases without a mean before all others, since nothing could be scored there.
std::vector<ReportCaseRow> from_worst(const ReportScores& table) {
  std::vector<ReportCaseRow> cases = table.cases;
  const bool higher = table.metrics.empty() || table.metrics.front().higher_is_better;
  std::stable_sort(cases.begin(), cases.end(), [&](const ReportCaseRow& a, const ReportCaseRow& b) {
    if (!std::isfinite(a.mean) || !std::isfinite(b.mean)) {
      return !std::isfinite(a.mean) && std::isfinite(b.mean);
    }
    return higher ? a.mean < b.mean : a.mean > b.mean;
  });
  return cases;
}

Html case_table(const ReportScores& table) {
  const std::vector<int> decimals = metric_decimals(table);
  HtmlTable rows;
  rows.columns.push_back({"Case", "worst first", false});
  if (!table.metrics.empty()) {
    rows.columns.push_back({"Mean " + table.metrics.front().name, "over structures", true});
  }
  for (const ReportStructureRow& structure : table.structures) {
    for (const ReportMetric& metric : table.metrics) {
      rows.columns.push_back({metric.name + ", " + structure.structure,
                              metric.unit.empty() ? std::string() : "in " + metric.unit,
                              true});
    }
  }
  for (const ReportCaseRow& one : from_worst(table)) {
    std::vector<Html> cells{html_text(one.key)};
    if (!table.metrics.empty()) {
      cells.push_back(html_text(fixed_text(one.mean, decimals.front())));
    }
    for (std::size_t s = 0; s < table.structures.size(); ++s) {
      for (std::size_t m = 0; m < table.metrics.size(); ++m) {
        const bool known = s < one.scores.size() && m < one.scores[s].size();
        cells.push_back(
            html_text(fixed_text(known ? one.scores[s][m] : std::nan(""), decimals[m])));
      }
    }
    rows.rows.push_back(std::move(cells));
  }
  const Html content = html_table(rows);
  return table.cases.size() <= kOpenCases
             ? html_element("h3", html_text("Scores per case")) + content
             : html_folded("Scores of all " +
                               count_text(static_cast<std::int64_t>(table.cases.size())) + " cases",
                           content);
}

// One chart a metric: each structure with its cases and the mean.
Html structure_charts(const ReportScores& table) {
  Html charts;
  for (std::size_t m = 0; m < table.metrics.size(); ++m) {
    const ReportMetric& metric = table.metrics[m];
    DotChart chart;
    chart.title = metric.name + " of each case, by structure";
    chart.description =
        metric.name +
        " of each case as hollow circles, the mean with its interval as a filled one; "
        "the values are in the tables";
    chart.x = {metric.name, metric.unit};
    if (metric.higher_is_better) {
      chart.x.high = 1;
    }
    chart.series = {"cases"};
    for (std::size_t s = 0; s < table.structures.size(); ++s) {
      DotRow row;
      row.label = table.structures[s].structure;
      row.dots.emplace_back();
      for (const ReportCaseRow& one : table.cases) {
        if (s < one.scores.size() && m < one.scores[s].size() && std::isfinite(one.scores[s][m])) {
          row.dots[0].push_back({one.scores[s][m]});
        }
      }
      if (m < table.structures[s].scores.size()) {
        row.summary.push_back(table.structures[s].scores[m]);
      }
      chart.rows.push_back(std::move(row));
    }
    charts += dot_chart(chart);
  }
  return charts;
}

Html worst_cases(const ReportScores& table) {
  const std::vector<ReportCaseRow> cases = from_worst(table);
  if (cases.size() < 2 || table.metrics.empty()) {
    return {};
  }
  std::string words;
  for (std::size_t i = 0; i < std::min(kListedWorst, cases.size() / 2); ++i) {
    words += (words.empty() ? "" : ", ") + cases[i].key + " (" +
             (std::isfinite(cases[i].mean) ? number_text(cases[i].mean) : "not scored") + ")";
  }
  return html_paragraph("Worst cases by mean " + table.metrics.front().name + ": " + words + ".");
}

Html comparison_chart(const ReportComparison& comparison) {
  if (comparison.pairs.empty() || comparison.pairs.size() > kChartCases) {
    return {};
  }
  std::vector<ReportComparison::Pair> pairs = comparison.pairs;
  std::stable_sort(
      pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  DotChart chart;
  chart.title =
      comparison.metric + " of each case, " + comparison.first + " and " + comparison.second;
  chart.title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(chart.title[0])));
  chart.description = chart.title + "; the values are in the tables";
  chart.x = {comparison.metric, comparison.unit};
  chart.series = {comparison.first, comparison.second};
  chart.connect = true;
  for (const ReportComparison::Pair& pair : pairs) {
    chart.rows.push_back({pair.key, {{{pair.first}}, {{pair.second}}}, {}});
  }
  return dot_chart(chart);
}

Html comparison_words(const ReportComparison& comparison) {
  const std::vector<double> values{comparison.difference.value};
  const int decimals = column_decimals(values);
  std::string words = "Paired difference in " + comparison.metric + " (" + comparison.first +
                      " minus " + comparison.second +
                      "): " + signed_text(comparison.difference.value, decimals);
  if (!comparison.unit.empty()) {
    words += " " + comparison.unit;
  }
  if (comparison.difference.has_interval()) {
    words += ", 95 % interval " + signed_interval_text(comparison.difference, decimals);
  }
  if (!comparison.method.empty()) {
    words += " (" + comparison.method + ")";
  }
  words += ".";
  if (!comparison.pairs.empty()) {
    const auto better = std::count_if(comparison.pairs.begin(),
                                      comparison.pairs.end(),
                                      [](const auto& p) { return p.first > p.second; });
    words += " Higher " + comparison.first + " in " + count_text(better) + " of " +
             count_text(static_cast<std::int64_t>(comparison.pairs.size())) + " cases.";
  }
  if (comparison.difference.has_interval() && comparison.difference.low <= 0 &&
      comparison.difference.high >= 0) {
    words += " The interval includes 0: these cases do not show a difference.";
  }
  return html_paragraph(words);
}

Html subgroup_table(const std::vector<ReportSubgroup>& subgroups) {
  if (subgroups.empty()) {
    return {};
  }
  HtmlTable table;
  table.caption = "Subgroups";
  table.columns = {
      {"Group", "", false}, {"Mean score", "with its interval", true}, {"n", "cases", true}};
  for (const ReportSubgroup& row : subgroups) {
    table.rows.push_back(
        {html_text(row.group), estimate_cell(row.score, 3), html_text(count_text(row.n))});
  }
  return html_table(table);
}

}  // namespace

Html report_scores(const ReportInput& input) {
  Html content;
  const auto add_charts = [&](const Html& charts) {
    if (!charts.empty()) {
      content += html_element("div", {{"class", "charts"}}, charts) + html_code("\n");
    }
  };
  if (input.scores) {
    const ReportScores& table = *input.scores;
    content += structure_table(table);
    if (!table.empty_policy.empty()) {
      content += html_element(
          "p", {{"class", "quiet"}}, html_text("Empty masks: " + table.empty_policy + "."));
    }
    if (!table.cases.empty() && table.cases.size() < kFewCases) {
      content += html_element(
          "p",
          {{"class", "quiet"}},
          html_text("Only " + count_text(static_cast<std::int64_t>(table.cases.size())) +
                    " cases: read the intervals, not the third digit."));
    }
    if (const Html charts = structure_charts(table); !charts.empty()) {
      content += html_element("h3", html_text("Spread over the cases"));
      add_charts(charts);
    }
  }
  if (input.comparison) {
    content += html_element("h3", html_text("Against training " + input.comparison->second)) +
               comparison_words(*input.comparison);
    add_charts(comparison_chart(*input.comparison));
  }
  content += subgroup_table(input.subgroups);
  if (input.scores) {
    content += worst_cases(*input.scores) + case_table(*input.scores);
  }
  return content;
}

}  // namespace marrow
