#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clinical/report/report_page.h"
#include "tests/support/classified_runs.h"
#include "tests/support/report_support.h"

namespace marrow {
namespace {

using testing::HasSubstr;
using testing::Not;

class ClassificationPage : public ClassifiedRuns {};

TEST_F(ClassificationPage, ShowsScoresClassesConfusionsAndCases) {
  write_run("run", R"({"dataset":"chests","from":"spark","training_cases":"a,b,c"})");
  write_summary("run", scored_cases(), names_);

  const ReportInput input = collect_report(sources_of("run"));
  const std::string page = report_page(input);

  EXPECT_EQ(input.kind, ReportKind::kClassification);
  EXPECT_EQ(input.title, "Classification of chests, 3 labelled cases, encoder pretrained");
  ASSERT_EQ(input.cards.size(), 3U);
  // Of "none" case_1 and case_5 are above both others and case_2 is below both: 4 of 6 pairs. Of
  // "cyst" case_2 is above both, the other two below: 4 of 6.
  EXPECT_NEAR(input.cards[0].value.value, 4.0 / 6, 1e-12);
  EXPECT_TRUE(input.cards[0].value.has_interval());
  EXPECT_EQ(input.cards[0].note, "5 cases of 4 patients, mean of 2 of 3 classes");
  EXPECT_NEAR(input.cards[1].value.value, 3.0 / 5, 1e-12);
  EXPECT_NEAR(input.cards[2].value.value, (2.0 / 3 + 1.0 / 2) / 2, 1e-12);
  EXPECT_THAT(page, HasSubstr("Report of a classification run"));
  EXPECT_THAT(page, HasSubstr(">0.600</p>"));
  EXPECT_THAT(page, HasSubstr("are of it: mass. The mean leaves it out."));
  EXPECT_THAT(page, HasSubstr("style=\"--p:0.67\">2<small>67 %</small></td>"));
  EXPECT_THAT(page,
              HasSubstr("in 2 of 5 cases. The most confident mistakes:</p><ul><li>case_2: cyst "
                        "instead of none, score 0.970</li>\n<li>case_4: none instead of cyst, "
                        "score 0.410</li>\n</ul>"));
  EXPECT_THAT(page, Not(HasSubstr("Segmentation")));
  EXPECT_THAT(page, Not(HasSubstr("Dice")));
  EXPECT_THAT(page, Not(HasSubstr("p3")));  // patients are nobody's business
  EXPECT_EQ(nesting_fault(page), "");
}

TEST_F(ClassificationPage, ListsWrongCasesByFallingAndRightOnesByRisingConfidence) {
  write_run("run", "{}");
  write_summary("run", scored_cases(), names_);

  const std::string page = report_page(collect_report(sources_of("run")));

  std::size_t last = 0;
  for (const char* key : {"case_2", "case_4", "case_5", "case_3", "case_1"}) {
    const std::size_t at = page.find("<th scope=\"row\">" + std::string(key));
    ASSERT_NE(at, std::string::npos) << key;
    EXPECT_GT(at, last) << key;
    last = at;
  }
}

TEST_F(ClassificationPage, ClassesWithoutCasesHaveNoScoresInsteadOfZeros) {
  write_run("run", "{}");
  write_summary("run", scored_cases(), names_);

  const std::string page = report_page(collect_report(sources_of("run")));

  const std::size_t row = page.find("<th scope=\"row\">mass</th><td data-label=\"Cases\"");
  ASSERT_NE(row, std::string::npos);
  const std::string cells = page.substr(row, page.find("</tr>", row) - row);
  EXPECT_THAT(cells, HasSubstr("data-label=\"Sensitivity\" class=\"n\">\xe2\x80\x93<"));
  EXPECT_THAT(cells, HasSubstr("data-label=\"Specificity\" class=\"n\">1.000<"));
}

TEST_F(ClassificationPage, FindingsAreListedByTheScoreFarthestFromTheTruth) {
  write_run("run", "{}");
  write_summary("run",
                {{"film_1", "", {1, 0}, {0.8, 0.3}},
                 {"film_2", "", {1, 1}, {0.7, 0.1}},
                 {"film_3", "", {0, 0}, {0.2, 0.4}},
                 {"film_4", "", {0, 1}, {0.6, 0.9}}},
                {"effusion", "mass"},
                true);

  const std::string page = report_page(collect_report(sources_of("run")));

  EXPECT_THAT(page,
              HasSubstr("At least one finding is wrong in 2 of 4 cases. The most confident "
                        "mistakes:</p><ul><li>film_2: mass missed, score 0.100</li>\n<li>film_4: "
                        "effusion said to be there, score 0.600</li>\n</ul>"));
  EXPECT_THAT(page, HasSubstr(">effusion, mass</td>"));
  EXPECT_THAT(page, HasSubstr(">none</td>"));
  EXPECT_THAT(page, Not(HasSubstr("<table class=\"confusion")));
  EXPECT_EQ(nesting_fault(page), "");
}

TEST_F(ClassificationPage, EscapesHostileNames) {
  const std::string hostile = "\"><script>alert('x')</script>&";
  write_run("run", "{}");
  std::vector<ClassifiedCase> cases = scored_cases();
  cases[1].key = hostile;
  write_summary("run", cases, {hostile, "cyst", hostile + "2"});

  const std::string page = report_page(collect_report(sources_of("run")));

  EXPECT_EQ(occurrences(page, "<script"), 1U);  // our own
  EXPECT_THAT(page, Not(HasSubstr("alert('x')")));
  EXPECT_EQ(nesting_fault(page), "");
}

TEST_F(ClassificationPage, ManyClassesGetTheirMostFrequentMistakesInsteadOfAMatrix) {
  std::vector<std::string> names;
  std::vector<ClassifiedCase> cases;
  for (std::size_t k = 0; k < 12; ++k) {
    names.push_back("organ_" + std::to_string(k));
    ClassifiedCase one{"case_" + std::to_string(k), "", std::vector<double>(12), {}};
    one.targets[k] = 1;
    one.scores = one.targets;
    cases.push_back(one);
  }
  std::swap(cases[7].scores[7], cases[7].scores[3]);
  write_run("run", "{}");
  write_summary("run", cases, names);

  const std::string page = report_page(collect_report(sources_of("run")));

  EXPECT_THAT(page, Not(HasSubstr("<table class=\"confusion")));
  EXPECT_THAT(
      page, HasSubstr("<th scope=\"row\">organ_7</th><td data-label=\"Predicted class\">organ_3"));
}

TEST_F(ClassificationPage, ListsTheWorstOfManyCasesAndSaysWhereTheOthersAre) {
  ReportInput input;
  input.kind = ReportKind::kClassification;
  input.classification.emplace();
  input.classification->classes = {{"none", 2500, {}, 1, 0, 1}, {"cyst", 0, {}, 0, 1, 0}};
  input.classification->confusion = {{2500, 0}, {0, 0}};
  for (int n = 0; n < 2500; ++n) {
    input.classification->cases.push_back({"case_" + std::to_string(n), {0}, {0.9, 0.1}});
  }

  const std::string page = report_page(input);

  EXPECT_THAT(page,
              HasSubstr("The worst 2\xe2\x80\xaf"
                        "000 of 2\xe2\x80\xaf"
                        "500 cases"));
  EXPECT_EQ(occurrences(page, "<th scope=\"row\">case_"), 2000U);
  EXPECT_THAT(page, HasSubstr("evaluation/cases.csv"));
}

}  // namespace
}  // namespace marrow
