#include "clinical/report/chart.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/report_support.h"

namespace marrow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(ChartTicks, StandAtRoundNumbersInsideTheRange) {
  const ChartTicks scores = chart_ticks(0.6, 0.9, AxisScale::kLinear, 4);
  EXPECT_THAT(scores.labels, ElementsAre("0.6", "0.7", "0.8", "0.9"));

  const ChartTicks steps = chart_ticks(10, 4000, AxisScale::kLinear, 4);
  EXPECT_THAT(steps.labels, ElementsAre("1\u202f000", "2\u202f000", "3\u202f000", "4\u202f000"));
}

TEST(ChartTicks, CrossZeroWithoutASignOrRounding) {
  const ChartTicks ticks = chart_ticks(-0.1, 0.1, AxisScale::kLinear, 4);

  EXPECT_THAT(ticks.labels, ElementsAre("\u22120.10", "\u22120.05", "0", "0.05", "0.10"));
}

TEST(ChartTicks, WriteTinySteppedValuesAsPowersOfTen) {
  const ChartTicks ticks = chart_ticks(0, 2e-4, AxisScale::kLinear, 4);

  EXPECT_THAT(ticks.labels,
              ElementsAre("0",
                          "5\u202f\u00d7\u202f10\u207b\u2075",
                          "1.0\u202f\u00d7\u202f10\u207b\u2074",
                          "1.5\u202f\u00d7\u202f10\u207b\u2074",
                          "2.0\u202f\u00d7\u202f10\u207b\u2074"));
}

TEST(ChartTicks, OnALogAxisAreOneTwoFiveForOneDecadeAndPowersForMany) {
  EXPECT_THAT(chart_ticks(2, 20, AxisScale::kLog).labels, ElementsAre("2", "5", "10", "20"));
  EXPECT_THAT(chart_ticks(1, 1e4, AxisScale::kLog).labels,
              ElementsAre("1", "10", "100", "1\u202f000", "10\u202f000"));
}

TEST(ChartTicks, AreNeverTooManyOrTooFew) {
  for (const double high : {0.0031, 0.7, 1.1, 9.9, 47.0, 1234.0, 8.1e6}) {
    const std::size_t count = chart_ticks(0, high, AxisScale::kLinear).values.size();
    EXPECT_GE(count, 3U) << high;
    EXPECT_LE(count, 6U) << high;
  }
}

TEST(ChartTicks, RefuseAnEmptyRangeAndALogAxisThroughZero) {
  EXPECT_THROW((void)chart_ticks(1, 1, AxisScale::kLinear), Error);
  EXPECT_THROW((void)chart_ticks(0, 1, AxisScale::kLog), Error);
  EXPECT_THROW((void)chart_ticks(0, std::nan(""), AxisScale::kLinear), Error);
}

LineChart two_lines() {
  LineChart chart;
  chart.title = "Loss";
  chart.x = {"step", ""};
  chart.y = {"HD95", "mm"};
  chart.series = {{"with <pretraining>", {1, 2, 3}, {{3, 2, 4}, {2, 1, 3}, {1, 0.5, 2}}},
                  {"from scratch", {1, 2, 3}, {{4}, {3}, {2}}}};
  return chart;
}

TEST(LineChart, NamesItsAxesWithUnitsAndItsLines) {
  const std::string code = line_chart(two_lines()).code;

  EXPECT_THAT(code, HasSubstr(">step</text>"));
  EXPECT_THAT(code, HasSubstr(">HD95 (mm)</text>"));
  EXPECT_THAT(code, HasSubstr(">from scratch</text>"));
  EXPECT_THAT(code, HasSubstr("aria-label=\"Chart: Loss\""));
  EXPECT_THAT(code, Not(HasSubstr("<pretraining>")));
  EXPECT_EQ(nesting_fault(code), "");
}

TEST(LineChart, TellsLinesApartByDashAndMarkerToo) {
  const std::string code = line_chart(two_lines()).code;

  EXPECT_THAT(code, HasSubstr("stroke-dasharray=\"none\""));
  EXPECT_THAT(code, HasSubstr("stroke-dasharray=\"7 4\""));
  EXPECT_EQ(occurrences(code, "<circle"), 3U);                  // markers of the first line
  EXPECT_EQ(occurrences(code, "<path class=\"mark\""), 3U);     // squares of the second
  EXPECT_EQ(occurrences(code, "<polygon class=\"band\""), 1U);  // only the first has intervals
}

TEST(LineChart, LeavesOutWhatIsNotFiniteAndIsEmptyWithoutPoints) {
  LineChart chart;
  chart.series = {{"a", {1, 2, 3, 4}, {{1}, {std::nan("")}, {3}, {2}}}};
  EXPECT_EQ(occurrences(line_chart(chart).code, "<circle"), 3U);
  EXPECT_THAT(line_chart(chart).code, Not(HasSubstr("nan")));

  chart.series = {{"a", {1}, {{std::nan("")}}}};
  EXPECT_TRUE(line_chart(chart).empty());
}

TEST(LineChart, DrawsConstantAndSingleValues) {
  LineChart chart;
  chart.series = {{"", {1, 2}, {{0.5}, {0.5}}}};
  EXPECT_EQ(occurrences(line_chart(chart).code, "<polyline"), 1U);

  chart.series = {{"", {7}, {{0.5}}}};
  EXPECT_EQ(occurrences(line_chart(chart).code, "<circle"), 1U);
}

TEST(LineChart, LeavesNonPositiveValuesOffALogAxis) {
  LineChart chart;
  chart.y.scale = AxisScale::kLog;
  chart.series = {{"", {1, 2, 3}, {{0}, {10}, {1000}}}};

  EXPECT_EQ(occurrences(line_chart(chart).code, "<circle"), 2U);
}

TEST(DotChart, ConnectsTheTwoScoresOfACase) {
  DotChart chart;
  chart.title = "Dice";
  chart.x = {"Dice", ""};
  chart.series = {"with", "without"};
  chart.connect = true;
  chart.rows = {{"case & 1", {{{0.8}}, {{0.7}}}, {}}, {"case 2", {{{0.6}}, {}}, {}}};

  const std::string code = dot_chart(chart).code;

  EXPECT_EQ(occurrences(code, "class=\"link\""), 1U);
  EXPECT_THAT(code, HasSubstr(">case &amp; 1</text>"));
  EXPECT_EQ(nesting_fault(code), "");
}

TEST(DotChart, ShowsMeansWithWhiskersOverTheirCases) {
  DotChart chart;
  chart.x = {"Dice", ""};
  chart.series = {"cases"};
  chart.rows = {{"anterior", {{{0.7}, {0.8}, {0.9}}}, {{0.8, 0.75, 0.85}}}};

  const std::string code = dot_chart(chart).code;

  EXPECT_EQ(occurrences(code, "<circle class=\"open\""), 3U);
  EXPECT_EQ(occurrences(code, "<circle class=\"mark\""), 1U);
  EXPECT_EQ(occurrences(code, "class=\"whisker\""), 3U);
}

TEST(DotChart, DrawsALineAtItsReferenceAndMakesRoomForIt) {
  DotChart chart;
  chart.x = {"difference", ""};
  chart.series = {"a"};
  chart.rows = {{"x", {}, {{0.3, 0.2, 0.4}}}};
  const std::string without = dot_chart(chart).code;
  chart.reference = 0;
  const std::string with = dot_chart(chart).code;

  EXPECT_EQ(occurrences(without, "class=\"axis\""), 1U);
  EXPECT_EQ(occurrences(with, "class=\"axis\""), 2U);
  EXPECT_THAT(without, Not(HasSubstr(">0</text>")));
  EXPECT_THAT(with, HasSubstr(">0</text>"));
}

TEST(DotChart, IsEmptyWithoutValues) {
  DotChart chart;
  chart.series = {"a"};
  chart.rows = {{"x", {{{std::nan("")}}}, {}}};

  EXPECT_TRUE(dot_chart(chart).empty());
}

}  // namespace
}  // namespace marrow
