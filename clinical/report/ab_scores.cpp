#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "clinical/report/ab_sections.h"
#include "clinical/report/ab_verdict.h"
#include "clinical/report/chart.h"
#include "clinical/report/reduction_sections.h"

namespace marrow {

namespace {

// In the order of the rows.
std::vector<std::string> label_counts(const AbData& data) {
  std::vector<std::string> counts;
  for (const AbRow& row : data.rows) {
    if (std::find(counts.begin(), counts.end(), row.labels) == counts.end()) {
      counts.push_back(row.labels);
    }
  }
  return counts;
}

const AbScore* score_at(const AbData& data,
                        const AbSeries& series,
                        const std::string& labels,
                        const std::string& probe,
                        const std::string& metric) {
  for (const AbRow& row : data.rows) {
    if (row.arm == series.first && row.budget == series.second && row.labels == labels &&
        row.probe == probe) {
      return find_score(row, metric);
    }
  }
  return nullptr;
}

// A row of a chart has less room than a row of a table.
std::string short_labels(const std::string& labels) {
  const std::string ending = " of the cases";
  return labels.ends_with(ending) ? labels.substr(0, labels.size() - ending.size()) + " of all"
                                  : labels;
}

enum class AbQuantity { kValue, kDifference };

Html score_chart(const AbInput& input,
                 const AbData& data,
                 const std::string& probe,
                 const std::string& metric,
                 AbQuantity quantity) {
  const bool difference = quantity == AbQuantity::kDifference;
  DotChart chart;
  chart.title = difference ? "Paired difference to training on all" : metric_words(metric);
  chart.description = fmt::format("{} of the {} on {} for each number of labels and encoder{}",
                                  metric_words(metric),
                                  ab_probe_words(probe),
                                  data.name,
                                  difference ? ", as difference to training on all" : "");
  chart.x = {difference ? "difference in " + metric_words(metric) : metric_words(metric), ""};
  if (difference) {
    chart.reference = 0;
  }
  const std::vector<AbSeries> all_series = ab_series(input);
  for (const AbSeries& series : all_series) {
    chart.series.push_back(ab_series_words(series));
  }
  bool any = false;
  for (const std::string& labels : label_counts(data)) {
    DotRow row;
    row.label = short_labels(labels);
    for (const AbSeries& series : all_series) {
      const AbScore* score = score_at(data, series, labels, probe, metric);
      Estimate shown = score == nullptr ? Estimate{} : difference ? score->to_all : score->value;
      any = any || shown.known();
      // `all` marks the line that the others are compared with.
      if (difference && series.first == "all" && score != nullptr && score->value.known()) {
        shown.value = 0;
      }
      row.summary.push_back(shown);
    }
    chart.rows.push_back(std::move(row));
  }
  return any ? dot_chart(chart) : Html{};
}

Html charts_of(const AbInput& input,
               const AbData& data,
               const std::string& probe,
               const std::string& metric) {
  const Html charts = score_chart(input, data, probe, metric, AbQuantity::kValue) +
                      score_chart(input, data, probe, metric, AbQuantity::kDifference);
  return charts.empty() ? Html{}
                        : html_element("div", {{"class", "charts"}}, charts) + html_code("\n");
}

// Where pretraining itself does not show, what was left out of it cannot show either.
Html sensitivity_note(const AbInput& input, const AbData& data) {
  AbInput alone;
  alone.level = input.level;
  alone.probes = {data};
  const AbTally tally = tally_differences(alone, "initial", "", leading_probe(input));
  if (tally.comparisons == 0 || tally.clearly_worse > 0) {
    return {};
  }
  return html_paragraph(
      fmt::format("Here not even the encoder without pretraining (initial) is clearly worse than "
                  "training on all ({} of {} excluding 0): this data set, with {}, can hardly tell "
                  "encoders apart, and that it shows "
                  "no difference means little.",
                  tally.worse,
                  counted_text(tally.comparisons, "interval", "intervals"),
                  counted_text(data.test_cases, "test case", "test cases")));
}

Html difference_cell(const Estimate& to_all, std::int64_t comparisons, double level) {
  if (!to_all.known()) {
    return html_text("–");
  }
  static constexpr std::array<const char*, 6> kMarks{"", "", "▲ ", "▼ ", "▲▲ ", "▼▼ "};
  const AbMark mark = difference_mark(to_all, comparisons, level);
  const std::string words = kMarks[static_cast<std::size_t>(mark)] + signed_text(to_all.value, 3);
  const bool marked = mark != AbMark::kNone && mark != AbMark::kUnknown;
  Html number = html_element("span", {{"class", "unbroken"}}, html_text(words));
  number = marked ? html_element("strong", number) : number;
  if (to_all.has_interval()) {
    number +=
        html_leaf("br", {}) + html_element("small", html_text(signed_interval_text(to_all, 3)));
  }
  return html_element("span", number);
}

Html difference_table(const AbInput& input,
                      const AbData& data,
                      const std::string& probe,
                      const std::string& metric) {
  HtmlTable table;
  table.caption = fmt::format("{}, {}: difference in {} to training on all",
                              data.name,
                              ab_probe_words(probe),
                              metric_words(metric));
  table.columns = {{"Labels", "", false}};
  table.long_cells = true;
  std::vector<AbSeries> compared;
  std::vector<std::int64_t> comparisons;
  for (const AbSeries& series : ab_series(input)) {
    if (series.first != "all") {
      compared.push_back(series);
      comparisons.push_back(
          tally_differences(input, series.first, series.second, probe).comparisons);
      table.columns.push_back({ab_series_words(series), "", true});
    }
  }
  bool any = false;
  for (const std::string& labels : label_counts(data)) {
    std::vector<Html> row{html_element("span", {{"class", "unbroken"}}, html_text(labels))};
    for (std::size_t s = 0; s < compared.size(); ++s) {
      const AbScore* score = score_at(data, compared[s], labels, probe, metric);
      any = any || (score != nullptr && score->to_all.known());
      row.push_back(difference_cell(
          score == nullptr ? Estimate{} : score->to_all, comparisons[s], input.level));
    }
    table.rows.push_back(std::move(row));
  }
  return any ? html_table(table) : Html{};
}

Html score_cell(const AbScore* score) {
  if (score == nullptr || !score->value.known()) {
    return html_text("–");
  }
  Html cell = html_text(fixed_text(score->value.value, 3));
  if (score->value.has_interval()) {
    cell += html_leaf("br", {}) + html_element("small", html_text(interval_text(score->value, 3)));
  }
  return html_element("span", cell);
}

Html score_table(const AbData& data) {
  HtmlTable table;
  std::vector<std::string> metrics;
  for (const AbRow& row : data.rows) {
    for (const AbScore& score : row.scores) {
      if (std::find(metrics.begin(), metrics.end(), score.metric) == metrics.end()) {
        metrics.push_back(score.metric);
      }
    }
  }
  table.caption = data.name + ": means over draws";
  table.long_cells = true;
  table.columns = {{"Labels, probe", "", false}, {"Encoder", "", false}, {"Draws", "", true}};
  for (const std::string& metric : metrics) {
    std::string title = metric_words(metric);
    title[0] = title[0] >= 'a' && title[0] <= 'z' ? static_cast<char>(title[0] - 32) : title[0];
    table.columns.push_back({title, "", true});
  }
  for (const AbRow& row : data.rows) {
    std::vector<Html> cells{html_text(row.labels + ", " + ab_probe_words(row.probe)),
                            html_text(ab_series_words({row.arm, row.budget})),
                            html_text(count_text(row.draws))};
    for (const std::string& metric : metrics) {
      cells.push_back(score_cell(find_score(row, metric)));
    }
    table.rows.push_back(std::move(cells));
  }
  return table.rows.empty() ? Html{} : html_table(table);
}

}  // namespace

Html ab_charts(const AbInput& input) {
  Html content;
  const std::vector<std::string> probes = ab_probes(input);
  for (const AbData& data : input.probes) {
    const std::string metric = leading_metric(data);
    Html of_data;
    for (std::size_t p = 0; p < probes.size(); ++p) {
      const Html charts = charts_of(input, data, probes[p], metric);
      if (!charts.empty()) {
        of_data +=
            p == 0 ? charts : html_folded("The same by " + ab_probe_words(probes[p]), charts);
      }
    }
    if (of_data.empty()) {
      of_data = html_paragraph("No measure exists for this data set.");
    }
    content +=
        html_element(
            "h3",
            html_text(fmt::format("{}: {}, {}",
                                  data.name,
                                  probes.empty() ? "no probe" : ab_probe_words(probes.front()),
                                  counted_text(data.test_cases, "test case", "test cases")))) +
        html_code("\n") + of_data + sensitivity_note(input, data) + html_code("\n");
  }
  if (!content.empty()) {
    content = html_paragraph(
                  "Means over draws of labelled cases and seeds, with " + ab_level_text(input) +
                  " intervals; rows are numbers of labels. What the names mean stands under How "
                  "it was done. Whether two encoders differ is told by the paired difference, not "
                  "by whether their own intervals overlap.") +
              html_code("\n") + content;
  }
  return content;
}

Html ab_differences(const AbInput& input) {
  const std::vector<std::string> probes = ab_probes(input);
  Html content;
  for (std::size_t p = 0; p < probes.size(); ++p) {
    Html tables;
    for (const AbData& data : input.probes) {
      tables += difference_table(input, data, probes[p], leading_metric(data));
    }
    if (!tables.empty()) {
      content +=
          p == 0 ? tables : html_folded("Differences by " + ab_probe_words(probes[p]), tables);
    }
  }
  if (!content.empty()) {
    content =
        html_paragraph("▲ better and ▼ worse than training on all: the " + ab_level_text(input) +
                       " interval excludes 0. ▲▲ and ▼▼: clearly so, as defined "
                       "above. Without a mark no difference is shown. Marks go by the exact "
                       "ends, of which 0.000 is a rounded one.") +
        html_code("\n") + content;
  }
  Html scores;
  for (const AbData& data : input.probes) {
    scores += score_table(data);
  }
  if (!scores.empty()) {
    content += html_folded("Every score of every encoder", scores);
  }
  return content;
}

}  // namespace marrow
