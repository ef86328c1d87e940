#include <algorithm>
#include <cmath>

#include "clinical/report/page_frame.h"
#include "clinical/report/report_sections.h"
#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

constexpr std::size_t kOpenClassified = 12;    // longer tables are folded
constexpr std::size_t kClassifiedRows = 2000;  // of a page that stays small
constexpr std::size_t kListedMistakes = 5;
constexpr double kFindingFrom = 0.5;  // as the evaluation has it

struct JudgedCase {
  const ReportClassifiedCase* one = nullptr;
  std::vector<std::size_t> predicted;
  std::size_t decisive = 0;  // the predicted class; the finding whose score is farthest from true
  double error = 0;          // the larger, the worse among the wrong and among the right ones
  bool wrong = false;
};

JudgedCase judged_class(const ReportClassifiedCase& one) {
  JudgedCase judged{&one, {}, 0, 0, false};
  judged.decisive = static_cast<std::size_t>(
      std::max_element(one.scores.begin(), one.scores.end()) - one.scores.begin());
  judged.predicted = {judged.decisive};
  judged.wrong = judged.predicted != one.has;
  const double score = one.scores[judged.decisive];
  judged.error = judged.wrong ? score : 1 - score;
  return judged;
}

JudgedCase judged_findings(const ReportClassifiedCase& one) {
  JudgedCase judged{&one, {}, 0, -1, false};
  for (std::size_t k = 0; k < one.scores.size(); ++k) {
    const double truth = std::find(one.has.begin(), one.has.end(), k) == one.has.end() ? 0.0 : 1.0;
    if (one.scores[k] >= kFindingFrom) {
      judged.predicted.push_back(k);
    }
    if (const double error = std::abs(truth - one.scores[k]); error > judged.error) {
      judged.error = error;
      judged.decisive = k;
    }
  }
  judged.wrong = judged.predicted != one.has;
  return judged;
}

// Wrong ones with the highest confidence first, right ones with the highest confidence last.
std::vector<JudgedCase> judged_cases(const ReportClassification& tables) {
  std::vector<JudgedCase> cases;
  for (const ReportClassifiedCase& one : tables.cases) {
    MARROW_CHECK(one.scores.size() == tables.classes.size() && !one.scores.empty());
    cases.push_back(tables.multi_label ? judged_findings(one) : judged_class(one));
  }
  std::stable_sort(cases.begin(), cases.end(), [](const JudgedCase& a, const JudgedCase& b) {
    return a.wrong != b.wrong ? a.wrong : a.error > b.error;
  });
  return cases;
}

std::string class_names(const ReportClassification& tables, const std::vector<std::size_t>& which) {
  std::vector<std::string> names;
  for (const std::size_t k : which) {
    names.push_back(tables.classes[k].name);
  }
  return names.empty() ? "none" : join(names, ", ");
}

std::string decisive_score(const JudgedCase& judged) {
  return fixed_text(judged.one->scores[judged.decisive], 3);
}

// Of the decisive finding.
bool is_true(const JudgedCase& judged) {
  const std::vector<std::size_t>& has = judged.one->has;
  return std::find(has.begin(), has.end(), judged.decisive) != has.end();
}

Html mistakes_in_words(const ReportClassification& tables, const std::vector<JudgedCase>& cases) {
  const auto wrong =
      std::count_if(cases.begin(), cases.end(), [](const auto& one) { return one.wrong; });
  const std::string all = count_text(std::ssize(cases)) + (cases.size() == 1 ? " case" : " cases");
  if (wrong == 0) {
    return html_paragraph("No mistake in " + all + ".");
  }
  std::string words = tables.multi_label ? "At least one finding is wrong in "
                                         : "Another class than the true one was predicted in ";
  words += count_text(wrong) + " of " + all + ". The most confident mistakes:";
  std::vector<std::string> listed;
  for (std::size_t n = 0; n < std::min(kListedMistakes, static_cast<std::size_t>(wrong)); ++n) {
    const JudgedCase& judged = cases[n];
    const std::string& name = tables.classes[judged.decisive].name;
    listed.push_back(judged.one->key + ": " + name +
                     (tables.multi_label ? (is_true(judged) ? " missed" : " said to be there")
                                         : " instead of " + class_names(tables, judged.one->has)) +
                     ", score " + decisive_score(judged));
  }
  return html_paragraph(words) + sentence_list(listed);
}

HtmlTable case_rows(const ReportClassification& tables, const std::vector<JudgedCase>& cases) {
  HtmlTable table;
  const bool findings = tables.multi_label;
  table.columns = {
      {"Case", "worst first", false},
      {findings ? "True findings" : "True class", "", false},
      {findings ? "Predicted findings" : "Predicted class", "", false},
      {"Prediction", "", false},
      {"Score", findings ? "farthest from what is true" : "of the predicted class", true}};
  if (!findings) {
    table.columns.push_back({"Score of the true class", "", true});
  }
  for (std::size_t n = 0; n < std::min(cases.size(), kClassifiedRows); ++n) {
    const JudgedCase& judged = cases[n];
    const std::string name = findings ? tables.classes[judged.decisive].name + " " : "";
    std::vector<Html> row{
        html_text(judged.one->key),
        html_text(class_names(tables, judged.one->has)),
        html_text(class_names(tables, judged.predicted)),
        judged.wrong ? html_element("strong", html_text("wrong")) : html_text("right"),
        html_text(name + decisive_score(judged))};
    if (!findings) {
      row.push_back(html_text(fixed_text(judged.one->scores[judged.one->has.at(0)], 3)));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

Html report_classified_cases(const ReportInput& input) {
  if (!input.classification || input.classification->cases.empty()) {
    return {};
  }
  const std::vector<JudgedCase> cases = judged_cases(*input.classification);
  Html content = mistakes_in_words(*input.classification, cases);
  const Html rows = html_table(case_rows(*input.classification, cases));
  const bool some = cases.size() > kClassifiedRows;
  content += cases.size() <= kOpenClassified
                 ? rows
                 : html_folded((some ? "The worst " + count_text(kClassifiedRows) + " of "
                                     : std::string("All ")) +
                                   count_text(std::ssize(cases)) + " cases",
                               rows);
  if (some) {
    content += html_paragraph("The other cases are in evaluation/cases.csv.");
  }
  return content;
}

}  // namespace marrow
