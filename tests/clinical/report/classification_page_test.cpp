#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "clinical/evaluation/classification_evaluation.h"
#include "clinical/report/report_files.h"
#include "clinical/report/report_page.h"
#include "core/error.h"
#include "core/files.h"
#include "tests/support/report_support.h"

namespace marrow {
namespace {

using testing::HasSubstr;
using testing::Not;

// One class a case, by its place; the scores of three classes.
ClassifiedCase one_class(const std::string& key,
                         const std::string& patient,
                         std::size_t is,
                         std::vector<double> scores) {
  ClassifiedCase one{key, patient, {0, 0, 0}, std::move(scores)};
  one.targets[is] = 1;
  return one;
}

// Five cases of four patients; case_2 is taken for "cyst" with confidence, case_4 for "none" with
// little.
std::vector<ClassifiedCase> scored_cases() {
  return {one_class("case_1", "p1", 0, {0.9, 0.06, 0.04}),
          one_class("case_2", "p1", 0, {0.02, 0.97, 0.01}),
          one_class("case_3", "p2", 1, {0.1, 0.8, 0.1}),
          one_class("case_4", "p3", 1, {0.41, 0.39, 0.2}),
          one_class("case_5", "p4", 0, {0.55, 0.25, 0.2})};
}

class ClassificationPage : public testing::Test {
 protected:
  const std::vector<std::string> names_{"none", "cyst", "mass"};

  [[nodiscard]] std::filesystem::path run(const std::string& name) const {
    return folder_.path() / name;
  }

  [[nodiscard]] std::filesystem::path summary(const std::string& name) const {
    return run(name) / "evaluation" / "summary.json";
  }

  void write_run(const std::string& name,
                 const std::string& facts,
                 const std::string& task = "classify") const {
    write_atomically(run(name) / "manifest.json",
                     R"({"task":")" + task + R"(","facts":)" + facts + "}");
    write_atomically(run(name) / "config.yaml", "encoder:\n  name: resnet\n");
    write_atomically(run(name) / "metrics.jsonl",
                     "{\"step\":10,\"loss\":1.0}\n{\"step\":20,\"loss\":0.5}\n"
                     "{\"step\":20,\"validation\":0.6}\n{\"step\":40,\"validation\":0.7}\n");
  }

  void write_summary(const std::string& name,
                     std::vector<ClassifiedCase> cases,
                     const std::vector<std::string>& names,
                     bool findings = false) const {
    write_atomically(
        summary(name),
        classification_json(evaluate_classification(std::move(cases), names, findings, {})));
  }

  [[nodiscard]] ReportSources sources_of(const std::string& name) const {
    ReportSources sources;
    sources.run = run(name);
    return sources;
  }

  void expect_error(const ReportSources& sources, ErrorCode code, const std::string& words) const {
    try {
      (void)collect_report(sources);
      FAIL() << "expected an Error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  }

  TemporaryFolder folder_;
};

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

TEST_F(ClassificationPage, ComparesARunFromScratchOnTheSameCases) {
  write_run("run", R"({"from":"spark"})");
  write_summary("run", scored_cases(), names_);
  write_run("scratch", R"({"from":"none"})");
  std::vector<ClassifiedCase> cases = scored_cases();
  cases[4].scores = {0.05, 0.6, 0.35};
  write_summary("scratch", cases, names_);
  ReportSources sources = sources_of("run");
  sources.scratch = run("scratch");

  const ReportInput input = collect_report(sources);

  ASSERT_EQ(input.cards.size(), 3U);
  // From scratch: case_5 is below both others of "none" and between those of "cyst": 2 and 3 of 6.
  EXPECT_NEAR(input.cards[1].value.value, (2.0 / 6 + 3.0 / 6) / 2, 1e-12);
  EXPECT_NEAR(input.cards[2].value.value, 4.0 / 6 - 2.5 / 6, 1e-12);
  EXPECT_TRUE(input.cards[2].value.has_interval());
  EXPECT_THAT(
      report_page(input),
      HasSubstr("Paired difference in AUROC (with pretraining minus from scratch): +0.250"));
}

TEST_F(ClassificationPage, TheSamePatientsAreDrawnForBothRuns) {
  write_run("run", "{}");
  write_summary("run", scored_cases(), names_);
  ReportSources sources = sources_of("run");
  sources.scratch = run("run");

  const ReportInput input = collect_report(sources);

  EXPECT_EQ(input.cards[2].value.low, 0);
  EXPECT_EQ(input.cards[2].value.high, 0);
}

TEST_F(ClassificationPage, CasesOfOneClassAreComparedByTheirAccuracy) {
  std::vector<ClassifiedCase> cases{one_class("case_1", "p1", 0, {0.9, 0.06, 0.04}),
                                    one_class("case_2", "p2", 0, {0.1, 0.8, 0.1})};
  write_run("run", "{}");
  write_summary("run", cases, names_);
  ReportSources sources = sources_of("run");
  sources.scratch = run("run");

  const ReportInput input = collect_report(sources);

  EXPECT_EQ(input.cards[0].label, "Accuracy, with pretraining");
  EXPECT_DOUBLE_EQ(input.cards[0].value.value, 0.5);
  EXPECT_EQ(nesting_fault(report_page(input)), "");
}

TEST_F(ClassificationPage, RefusesToCompareOtherCasesOrOtherClasses) {
  write_run("run", "{}");
  write_summary("run", scored_cases(), names_);
  write_run("scratch", "{}");
  ReportSources sources = sources_of("run");
  sources.scratch = run("scratch");
  std::vector<ClassifiedCase> cases = scored_cases();
  cases[1].key = "case_9";
  write_summary("scratch", cases, names_);
  expect_error(sources, ErrorCode::kInvalidArgument, "not scored on the same cases");

  write_summary("scratch", scored_cases(), {"none", "cyst", "nodule"});
  expect_error(sources, ErrorCode::kInvalidArgument, "different classes");
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

TEST_F(ClassificationPage, NamesTheValidationCurveAfterWhatItMeasures) {
  write_run("run", "{}");
  EXPECT_THAT(report_page(collect_report(sources_of("run"))), HasSubstr("Validation AUROC"));

  write_atomically(run("run") / "config.yaml", "classification:\n  select: accuracy\n");
  EXPECT_THAT(report_page(collect_report(sources_of("run"))), HasSubstr("Validation accuracy"));
}

TEST_F(ClassificationPage, RefusesADamagedSummaryInOneSentence) {
  write_run("run", "{}");
  write_summary("run", scored_cases(), names_);
  const nlohmann::json whole = nlohmann::json::parse(read_text(summary("run")));
  const auto expect_refused = [&](const nlohmann::json& damaged, const std::string& words) {
    write_atomically(summary("run"), damaged.dump());
    expect_error(sources_of("run"), ErrorCode::kUnreadable, words);
    expect_error(sources_of("run"), ErrorCode::kUnreadable, "summary.json");
  };

  expect_refused(nlohmann::json::array(), "no \"task\": \"classify\"");
  expect_refused({{"task", "segment"}}, "no \"task\": \"classify\"");
  nlohmann::json damaged = whole;
  damaged.erase("mean");
  expect_refused(damaged, "mean");
  damaged = whole;
  damaged["metric_per_case"][0]["scores"].erase(0);
  expect_refused(damaged, "another number than classes");
  damaged = whole;
  damaged["metric_per_case"][0]["targets"] = {0, 0, 0};
  expect_refused(damaged, "not of one class");
  damaged = whole;
  damaged["confusion"][0].erase(0);
  expect_refused(damaged, "confusion matrix");
  damaged = whole;
  damaged["metric_per_case"][1]["case"] = "case_1";
  expect_refused(damaged, "two cases of one key");
  damaged = whole;
  damaged["classes"][0]["auroc"] = "high";
  expect_refused(damaged, "keys or values");
}

TEST_F(ClassificationPage, ARunThatWasNotEvaluatedStillMakesAPage) {
  write_run("run", R"({"dataset":"chests","from":"none"})");

  const std::string page = report_page(collect_report(sources_of("run")));

  EXPECT_THAT(page, HasSubstr("Classification of chests, trained from scratch"));
  EXPECT_THAT(page, Not(HasSubstr("id=\"scores\"")));
}

TEST_F(ClassificationPage, AnImportedEncoderIsCalledSo) {
  write_run("run", R"({"imported_from":"net.pth","imported_tensors":"74 of 76"})", "import");

  const ReportInput input = collect_report(sources_of("run"));

  EXPECT_EQ(input.title, "Imported encoder resnet, weights from net.pth (74 of 76 tensors)");
  EXPECT_THAT(report_page(input), HasSubstr("Report of an imported encoder"));
  EXPECT_THAT(report_page(input), HasSubstr("its licence"));
}

}  // namespace
}  // namespace marrow
