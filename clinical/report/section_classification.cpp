#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "clinical/report/chart.h"
#include "clinical/report/report_sections.h"
#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

constexpr int kScoreDecimals = 3;
constexpr std::size_t kMatrixClasses = 10;  // a larger matrix does not fit a narrow screen
constexpr std::size_t kNamedColumns = 4;    // more columns are headed by numbers alone
constexpr std::size_t kListedConfusions = 12;
constexpr std::size_t kChartedClasses = 40;
constexpr double kChartFrom = 0.4;  // so that the line of no information is inside
constexpr std::size_t kFewClassified = 30;

Html score_cell(const Estimate& score) {
  Html cell = html_text(fixed_text(score.value, kScoreDecimals));
  if (score.has_interval()) {
    cell += html_text(" ") +
            html_element("small", html_text("(" + interval_text(score, kScoreDecimals) + ")"));
  }
  return html_element("span", {{"class", "unbroken"}}, cell);
}

Html share_cell(double share, bool defined) {
  return html_text(fixed_text(defined ? share : std::nan(""), kScoreDecimals));
}

Html mean_table(const ReportClassification& tables) {
  HtmlTable table;
  table.caption = "Scores over all cases (" + tables.interval + ")";
  table.columns = {
      {"Score", "0 to 1; higher is better", false}, {"Value", "", true}, {"Meaning", "", false}};
  table.long_cells = true;
  for (const ReportMeanRow& row : tables.means) {
    table.rows.push_back({html_text(row.name), score_cell(row.score), html_text(row.definition)});
  }
  return html_table(table);
}

Html class_table(const ReportClassification& tables) {
  const auto all = std::ssize(tables.cases);
  HtmlTable table;
  table.caption = tables.multi_label ? "Scores of each finding" : "Scores of each class";
  table.columns = {
      {tables.multi_label ? "Finding" : "Class", "", false},
      {"Cases", tables.multi_label ? "with it" : "of this class", true},
      {"AUROC",
       tables.multi_label ? "cases with it against cases without" : "its cases against all others",
       true},
      {"Sensitivity",
       tables.multi_label ? "share of its cases found, from a score of 0.5"
                          : "share of its cases predicted so",
       true},
      {"Specificity",
       tables.multi_label ? "share of the others not said to have it"
                          : "share of the others not predicted so",
       true},
      {"F1", "harmonic mean of sensitivity and precision", true}};
  for (const ReportClassRow& row : tables.classes) {
    table.rows.push_back({html_text(row.name),
                          html_text(count_text(row.positives)),
                          score_cell(row.auroc),
                          share_cell(row.sensitivity, row.positives > 0),
                          share_cell(row.specificity, row.positives < all),
                          share_cell(row.f1, row.positives > 0 || row.specificity < 1)});
  }
  Html content = html_table(table);
  std::vector<std::string> without;
  for (const ReportClassRow& row : tables.classes) {
    if (!row.auroc.known()) {
      without.push_back(row.name);
    }
  }
  if (!without.empty()) {
    content += html_paragraph("Without an AUROC, because all or none of the cases " +
                              std::string(tables.multi_label ? "have it" : "are of it") + ": " +
                              join(without, ", ") + ". The mean leaves " +
                              (without.size() == 1 ? "it" : "them") + " out.");
  }
  return content;
}

Html auroc_chart(const ReportClassification& tables) {
  DotChart chart;
  chart.title = tables.multi_label ? "AUROC of each finding" : "AUROC of each class";
  chart.description = chart.title + " with its interval; the values are in the table";
  chart.x = {"AUROC", ""};
  chart.x.high = 1;
  chart.series = {"AUROC"};
  chart.reference = 0.5;
  chart.x.low = kChartFrom;
  for (const ReportClassRow& row : tables.classes) {
    if (row.auroc.known()) {
      chart.rows.push_back({row.name, {{}}, {row.auroc}});
      const double low = row.auroc.has_interval() ? row.auroc.low : row.auroc.value;
      chart.x.low = std::min(chart.x.low, std::floor(low * 10) / 10);
    }
  }
  // Of two classes, one AUROC is the other.
  if (chart.rows.size() < 3 || chart.rows.size() > kChartedClasses) {
    return {};
  }
  return html_element("div", {{"class", "charts"}}, dot_chart(chart)) + html_code("\n") +
         html_element("p",
                      {{"class", "quiet"}},
                      html_text("The line at 0.5: what drawing lots would reach."));
}

Html confusion_cell(std::int64_t count, std::int64_t row, bool right) {
  const double share = row == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(row);
  Html content = html_text(count_text(count));
  if (count > 0) {
    content += html_element("small", html_text(fmt::format("{:.0f} %", 100 * share)));
  }
  return html_element(
      "td",
      {{"class", right ? "n right" : "n"}, {"style", fmt::format("--p:{:.2f}", share)}},
      content);
}

Html confusion_matrix(const ReportClassification& tables) {
  const std::size_t classes = tables.classes.size();
  const bool named = classes <= kNamedColumns;
  Html head = html_element(
      "th",
      {{"scope", "col"}},
      html_text("True class") + html_element("small", html_text("predicted as \xe2\x86\x92")));
  for (std::size_t k = 0; k < classes; ++k) {
    const std::string& name = tables.classes[k].name;
    Html title = html_text(std::to_string(k + 1));
    if (named) {
      title += html_element("span", {{"class", "name"}}, html_text(" " + name));
    }
    head += html_element("th", {{"scope", "col"}, {"class", "n"}, {"aria-label", name}}, title);
  }
  Html rows;
  for (std::size_t k = 0; k < classes; ++k) {
    const std::vector<std::int64_t>& row = tables.confusion[k];
    MARROW_CHECK(row.size() == classes);
    const std::int64_t all = std::accumulate(row.begin(), row.end(), std::int64_t{0});
    Html cells = html_element(
        "th", {{"scope", "row"}}, html_text(std::to_string(k + 1) + " " + tables.classes[k].name));
    for (std::size_t p = 0; p < classes; ++p) {
      cells += confusion_cell(row[p], all, p == k);
    }
    rows += html_element("tr", cells) + html_code("\n");
  }
  const Html table = html_element(
      "table",
      {{"class", named ? "confusion" : "confusion many"}},
      html_element("caption",
                   html_text("What was predicted of each class: cases, and their "
                             "share of the row")) +
          html_element("thead", html_element("tr", head)) + html_element("tbody", rows));
  return html_element("div",
                      {{"class", "scroll"},
                       {"tabindex", "0"},
                       {"role", "group"},
                       {"aria-label", "Confusion matrix"}},
                      table) +
         html_code("\n") +
         html_element(
             "p",
             {{"class", "quiet"}},
             html_text("Framed: right predictions. Stronger colour: a larger share of the row."));
}

// Of many classes: the most frequent mistakes.
Html frequent_confusions(const ReportClassification& tables) {
  struct Mistake {
    std::size_t is;
    std::size_t said;
    std::int64_t count;
  };

  std::vector<Mistake> mistakes;
  for (std::size_t k = 0; k < tables.confusion.size(); ++k) {
    for (std::size_t p = 0; p < tables.confusion[k].size(); ++p) {
      if (p != k && tables.confusion[k][p] > 0) {
        mistakes.push_back({k, p, tables.confusion[k][p]});
      }
    }
  }
  if (mistakes.empty()) {
    return {};
  }
  std::stable_sort(mistakes.begin(), mistakes.end(), [](const auto& a, const auto& b) {
    return a.count > b.count;
  });
  HtmlTable table;
  table.caption = "The most frequent mistakes";
  table.columns = {{"True class", "", false},
                   {"Predicted class", "", false},
                   {"Cases", "", true},
                   {"Share", "of the cases of the true class", true}};
  for (std::size_t n = 0; n < std::min(mistakes.size(), kListedConfusions); ++n) {
    const Mistake& mistake = mistakes[n];
    const std::vector<std::int64_t>& row = tables.confusion[mistake.is];
    const auto all = std::accumulate(row.begin(), row.end(), std::int64_t{0});
    table.rows.push_back(
        {html_text(tables.classes[mistake.is].name),
         html_text(tables.classes[mistake.said].name),
         html_text(count_text(mistake.count)),
         html_text(fmt::format(
             "{:.0f} %", 100 * static_cast<double>(mistake.count) / static_cast<double>(all)))});
  }
  return html_table(table) +
         html_element("p",
                      {{"class", "quiet"}},
                      html_text("The whole matrix of " + std::to_string(tables.classes.size()) +
                                " classes is in evaluation/summary.json, under \"confusion\"."));
}

}  // namespace

Html report_classes(const ReportInput& input) {
  if (!input.classification) {
    return {};
  }
  const ReportClassification& tables = *input.classification;
  Html content = mean_table(tables);
  if (!tables.cases.empty() && tables.cases.size() < kFewClassified) {
    content += html_element("p",
                            {{"class", "quiet"}},
                            html_text("Only " + count_text(std::ssize(tables.cases)) +
                                      " cases: read the intervals, not the third digit."));
  }
  content += class_table(tables) + auroc_chart(tables);
  if (!tables.confusion.empty()) {
    MARROW_CHECK(tables.confusion.size() == tables.classes.size());
    content += tables.classes.size() <= kMatrixClasses ? confusion_matrix(tables)
                                                       : frequent_confusions(tables);
  }
  return content;
}

}  // namespace marrow
