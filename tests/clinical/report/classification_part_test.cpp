#include "clinical/report/classification_part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "clinical/report/report_page.h"
#include "tests/support/classified_runs.h"
#include "tests/support/report_support.h"

namespace marrow {
namespace {

using testing::HasSubstr;
using testing::Not;

class ClassificationPart : public ClassifiedRuns {};

TEST_F(ClassificationPart, ComparesARunFromScratchOnTheSameCases) {
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

TEST_F(ClassificationPart, TheSamePatientsAreDrawnForBothRuns) {
  write_run("run", "{}");
  write_summary("run", scored_cases(), names_);
  ReportSources sources = sources_of("run");
  sources.scratch = run("run");

  const ReportInput input = collect_report(sources);

  EXPECT_EQ(input.cards[2].value.low, 0);
  EXPECT_EQ(input.cards[2].value.high, 0);
}

TEST_F(ClassificationPart, CasesOfOneClassAreComparedByTheirAccuracy) {
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

TEST_F(ClassificationPart, RefusesToCompareOtherCasesOrOtherClasses) {
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

TEST_F(ClassificationPart, NamesTheValidationCurveAfterWhatItMeasures) {
  write_run("run", "{}");
  EXPECT_THAT(report_page(collect_report(sources_of("run"))), HasSubstr("Validation AUROC"));

  write_atomically(run("run") / "config.yaml", "classification:\n  select: accuracy\n");
  EXPECT_THAT(report_page(collect_report(sources_of("run"))), HasSubstr("Validation accuracy"));
}

TEST_F(ClassificationPart, RefusesADamagedSummaryInOneSentence) {
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

TEST_F(ClassificationPart, ARunThatWasNotEvaluatedStillMakesAPage) {
  write_run("run", R"({"dataset":"chests","from":"none"})");

  const std::string page = report_page(collect_report(sources_of("run")));

  EXPECT_THAT(page, HasSubstr("Classification of chests, trained from scratch"));
  EXPECT_THAT(page, Not(HasSubstr("id=\"scores\"")));
}

TEST_F(ClassificationPart, AnImportedEncoderIsCalledSo) {
  write_run("run", R"({"imported_from":"net.pth","imported_tensors":"74 of 76"})", "import");

  const ReportInput input = collect_report(sources_of("run"));

  EXPECT_EQ(input.title, "Imported encoder resnet, weights from net.pth (74 of 76 tensors)");
  EXPECT_THAT(report_page(input), HasSubstr("Report of an imported encoder"));
  EXPECT_THAT(report_page(input), HasSubstr("its licence"));
}

}  // namespace
}  // namespace marrow
