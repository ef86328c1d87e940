#include "clinical/report/ab_page.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clinical/report/ab_sections.h"
#include "clinical/report/ab_verdict.h"
#include "clinical/report/report_page.h"
#include "core/error.h"
#include "tests/support/report_support.h"

namespace marrow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

AbRow ab_row(const char* arm, const char* budget, const char* labels, Estimate to_all) {
  return {arm, budget, labels, "linear", 10, {{"macro_auroc", {0.90, 0.85, 0.95}, to_all}}};
}

// Two numbers of labels; no interval of `reduced` excludes 0.
AbInput small_comparison() {
  AbInput input;
  input.date = "26 November 2026, 03:40 UTC";
  input.batch_size = 16;
  input.seeds = 2;
  input.planned_seeds = 2;
  input.arms = {{"all", 1000, "aa"}, {"reduced", 470, "bb"}, {"every_n", 470, "cc"}};
  input.pretrained = {{"all", "both", 500, 17, 0.30, 20, false},
                      {"reduced", "steps", 500, 17, 0.32, 21, false},
                      {"reduced", "epochs", 235, 17, 0.36, 8, false},
                      {"all", "both", 500, 18, 0.40, 20, false},
                      {"reduced", "steps", 500, 18, 0.34, 21, false},
                      {"reduced", "epochs", 235, 18, 0.38, 12, false}};
  AbData data;
  data.name = "organs";
  data.test_cases = 878;
  for (const char* labels : {"1 per class", "100 % of the cases"}) {
    data.rows.push_back(ab_row("initial", "", labels, {-0.10, -0.12, -0.08}));
    data.rows.push_back(ab_row("all", "both", labels, {}));
    data.rows.push_back(ab_row("reduced", "steps", labels, {0.001, -0.0201, 0.012}));
    data.rows.push_back(ab_row("reduced", "epochs", labels, {-0.004, -0.02, 0.01}));
  }
  data.rows.push_back(ab_row("initial", "", "1 per class", {-0.03, -0.05, -0.01}));
  data.rows.back().probe = "knn";
  input.probes = {data};
  input.provenance.program_version = "0.1.0";
  input.provenance.command = "marrow reduce --ab small.yaml --probe organs";
  input.provenance.config = "train:\n  steps: 500\n";
  return input;
}

// `reduced` at equal steps, at each number of labels.
AbInput with_differences(Estimate first, Estimate second) {
  AbInput input = small_comparison();
  input.probes[0].rows[2].scores[0].to_all = first;
  input.probes[0].rows[6].scores[0].to_all = second;
  return input;
}

TEST(AbVerdict, SaysHowLargeADropMayStillBeWhereNoDifferenceIsShown) {
  EXPECT_EQ(ab_title(small_comparison()),
            "Leaving out 53.0 % of the slices: no difference shown at equal training steps, but "
            "drops of up to 0.021 AUROC are not ruled out");
}

TEST(AbVerdict, NamesNoBoundWhereTheIntervalsArePointsAtZero) {
  EXPECT_EQ(ab_title(with_differences({0, 0, 0}, {0, 0, 0})),
            "Leaving out 53.0 % of the slices: no difference shown at equal training steps");
}

TEST(AbVerdict, CallsADifferenceThatManyComparisonsMayShowByChanceNotClear) {
  // For two comparisons the near side counts as 1.144 times as long: -0.010 + 1.144 x 0.009 > 0.
  const AbInput input = with_differences({-0.010, -0.020, -0.001}, {0.001, -0.02, 0.02});

  EXPECT_EQ(ab_title(input),
            "Leaving out 53.0 % of the slices: no clear difference at equal training steps; 1 of 2 "
            "intervals excludes 0 (worse), as chance can do");
}

TEST(AbVerdict, SaysWorseWithTheAmountWhereADifferenceIsClear) {
  const AbInput input = with_differences({-0.051, -0.07, -0.03}, {0.001, -0.02, 0.02});

  EXPECT_EQ(ab_title(input),
            "Leaving out 53.0 % of the slices: worse in 1 of 2 comparisons (by 0.051 AUROC) at "
            "equal training steps");
}

TEST(AbVerdict, SaysBetterAsReadilyAsWorse) {
  const AbInput input = with_differences({0.051, 0.03, 0.07}, {0.02, 0.01, 0.03});

  EXPECT_THAT(ab_title(input),
              HasSubstr(": better in 2 of 2 comparisons (by up to 0.051 AUROC) at equal"));
}

TEST(AbVerdict, NamesBothDirectionsWhenTheyContradictEachOther) {
  const AbInput input = with_differences({-0.051, -0.07, -0.03}, {0.02, 0.01, 0.03});

  EXPECT_THAT(ab_title(input),
              HasSubstr("worse in 1 of 2 comparisons (by 0.051 AUROC) and better "
                        "in 1 of 2 comparisons (by 0.020 AUROC)"));
}

TEST(AbVerdict, FallsBackToEqualEpochsAndSaysSo) {
  AbInput input = small_comparison();
  std::erase_if(input.probes[0].rows, [](const AbRow& row) { return row.budget == "steps"; });

  EXPECT_THAT(ab_title(input), HasSubstr("no difference shown at equal epochs"));
}

TEST(AbVerdict, ClaimsNothingWithoutIntervals) {
  const AbInput input = with_differences({-0.3, kNone, kNone}, {});
  const AbTally tally = tally_differences(input, "reduced", "steps", "linear");

  EXPECT_EQ(tally.comparisons, 0);
  EXPECT_EQ(verdict_words(tally), "not compared");
  EXPECT_THAT(ab_title(AbInput{}), StartsWith("Leaving out slices: not compared"));
}

TEST(AbVerdict, AnIntervalThatEndsAtZeroDoesNotExcludeIt) {
  EXPECT_EQ(difference_mark({0.01, 0, 0.02}, 1, 0.95), AbMark::kNone);
  EXPECT_EQ(difference_mark({-0.01, -0.02, 0}, 1, 0.95), AbMark::kNone);
  EXPECT_EQ(difference_mark({0.01, 1e-9, 0.02}, 1, 0.95), AbMark::kClearlyBetter);
  EXPECT_EQ(difference_mark({0.01, 1e-9, 0.02}, 2, 0.95), AbMark::kBetter);
  EXPECT_EQ(difference_mark({0.01}, 1, 0.95), AbMark::kUnknown);
}

TEST(AbVerdict, TakesTheFirstMeasureThatTheDataSetHas) {
  AbData data;
  data.rows = {{"reduced",
                "steps",
                "5 per class",
                "linear",
                2,
                {{"accuracy", {0.8}, {0.1, 0.0, 0.2}}, {"macro_auroc", {}, {}}}}};

  EXPECT_EQ(leading_metric(data), "accuracy");
  EXPECT_EQ(leading_metric(AbData{}), "");
}

TEST(AbVerdict, NeverRoundsABoundTowardsZero) {
  EXPECT_EQ(bound_text(0.0201), "0.021");
  EXPECT_EQ(bound_text(0.05), "0.050");
}

TEST(AbPage, IsOneWellFormedFileThatLoadsNothing) {
  const std::string page = ab_page(small_comparison());

  EXPECT_EQ(nesting_fault(page), "");
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
  EXPECT_THAT(page, Not(HasSubstr("src=\"")));
  EXPECT_LT(page.find("Research use only"), page.find("<h1>"));
  EXPECT_EQ(occurrences(page, "<svg "), occurrences(page, "role=\"img\" aria-label=\"Chart: "));
}

TEST(AbPage, ShowsWhatWasKeptWhatItSavesAndWhatWasTestedInFourCards) {
  const std::string page = ab_page(small_comparison());

  EXPECT_EQ(occurrences(page, "class=\"card\""), 4U);
  EXPECT_THAT(page, HasSubstr("470 <small>of\u00a01\u202f000</small>"));
  EXPECT_THAT(page, HasSubstr("10 s <small>of\u00a020\u00a0s</small>"));
  EXPECT_THAT(page, HasSubstr("2.0 times as fast as with all"));
  EXPECT_THAT(page, HasSubstr("organs 878"));
}

TEST(AbPage, SaysThatItIsNotFinishedWhileSeedsAreMissing) {
  AbInput input = small_comparison();
  input.planned_seeds = 3;

  const std::string page = ab_page(input);

  EXPECT_THAT(page, HasSubstr("of 3, not finished"));
  EXPECT_THAT(page, HasSubstr("2 of 3 seeds are done"));
}

TEST(AbPage, MarksDifferencesThatExcludeZeroByASignToo) {
  const AbInput input = with_differences({-0.010, -0.020, -0.001}, {0.02, 0.01, 0.03});

  const std::string table = ab_differences(input).code;

  EXPECT_THAT(table, HasSubstr("<strong><span class=\"unbroken\">▼ −0.010</span></strong>"));
  EXPECT_THAT(table, HasSubstr("<strong><span class=\"unbroken\">▲▲ +0.020</span></strong>"));
  EXPECT_THAT(table, HasSubstr("<span class=\"unbroken\">−0.004</span>"));  // epochs: no mark
}

TEST(AbPage, StatesThatIntervalsAreNotCorrectedForTheirNumber) {
  const std::string page = ab_page(small_comparison());

  EXPECT_THAT(page, HasSubstr("95 % intervals, not corrected for their number."));
  EXPECT_THAT(page, HasSubstr("about one in 20 still excludes 0"));
}

TEST(AbPage, WarnsOfADataSetOnWhichPretrainingItselfDoesNotShow) {
  const std::string warning = "can hardly tell encoders apart";
  AbInput input = small_comparison();
  EXPECT_THAT(ab_page(input), Not(HasSubstr(warning)));

  input.probes[0].rows[0].scores[0].to_all = {-0.1, -0.3, 0.1};
  input.probes[0].rows[4].scores[0].to_all = {-0.1, -0.3, 0.1};
  EXPECT_THAT(ab_page(input), HasSubstr(warning));
}

TEST(AbPage, FoldsTheOtherProbeBehindTheLinearOne) {
  const AbInput input = small_comparison();

  EXPECT_THAT(ab_probes(input), ElementsAre("linear", "knn"));
  EXPECT_THAT(ab_charts(input).code, HasSubstr("<summary>The same by nearest neighbours"));
}

TEST(AbPage, ShowsEachPretrainingWithItsMeanItsSeedsAndItsPasses) {
  const std::string table = ab_pretrainings(small_comparison()).code;

  EXPECT_THAT(table, HasSubstr("0.370 <small>0.360, 0.380</small>"));
  EXPECT_THAT(table, HasSubstr("10 s <small>8.0 s, 12 s</small>"));
  EXPECT_THAT(table, HasSubstr(">17.0<"));  // 500 steps of 16 over 470 slices
  EXPECT_THAT(table, HasSubstr("do not tell which encoder is better"));
}

TEST(AbPage, LeavesTimesOfResumedPretrainingsOutOfTheMean) {
  AbInput input = small_comparison();
  input.pretrained[2].resumed = true;

  EXPECT_THAT(ab_pretrainings(input).code, HasSubstr("12 s <small>without resumed ones</small>"));
  EXPECT_EQ(ab_mean_seconds(input, {"reduced", "epochs"}), 12);
}

TEST(AbPage, ShowsADashForWhatDoesNotExist) {
  AbInput input = small_comparison();
  for (AbRow& row : input.probes[0].rows) {
    row.scores[0] = {"macro_auroc", {}, {}};
  }
  input.pretrained[0].loss = input.pretrained[3].loss = kNone;

  const std::string page = ab_page(input);

  EXPECT_THAT(page, HasSubstr("No measure exists for this data set."));
  EXPECT_THAT(page, Not(HasSubstr(">nan")));
  EXPECT_EQ(nesting_fault(page), "");
}

TEST(AbPage, IsWholeWithoutProbesOrPretrainings) {
  const std::string page = ab_page(AbInput{});

  EXPECT_EQ(nesting_fault(page), "");
  EXPECT_THAT(page, Not(HasSubstr("id=\"scores\"")));
  EXPECT_THAT(page, HasSubstr("id=\"limits\""));
}

TEST(AbPage, EscapesHostileWordsEverywhere) {
  const std::string hostile = "\"><script>alert('x')</script>&\x01";
  AbInput input = small_comparison();
  input.date = input.unit = hostile;
  input.arms[1].decision = input.probes[0].name = hostile;
  for (AbRow& row : input.probes[0].rows) {
    row.labels = row.probe = row.budget = hostile;
  }
  input.pretrained[0].budget = hostile;
  input.provenance.command = input.provenance.config = hostile;

  const std::string page = ab_page(input);

  EXPECT_EQ(occurrences(page, "<script"), 1U);  // our own
  EXPECT_EQ(page.find('\x01'), std::string::npos);
  EXPECT_EQ(nesting_fault(page), "");
}

TEST(AbPage, RefusesAnUnknownArmWithoutRepeatingItsName) {
  AbInput input = small_comparison();
  input.probes[0].rows[0].arm = "Doe^Jane";

  try {
    (void)ab_page(input);
    FAIL() << "nothing was refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("another of 8 characters"));
    EXPECT_THAT(error.what(), Not(HasSubstr("Doe")));
  }
}

TEST(AbPage, StaysSmallWithManyDataSets) {
  AbInput input = small_comparison();
  input.probes.resize(50, input.probes[0]);

  EXPECT_LT(ab_page(input).size(), kReportByteLimit / 4);
}

TEST(AbPage, IsTheSameEveryTime) {
  EXPECT_EQ(ab_page(small_comparison()), ab_page(small_comparison()));
}

}  // namespace
}  // namespace marrow
