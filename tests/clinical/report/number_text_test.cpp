#include "clinical/report/number_text.h"

#include <array>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(NumberText, KeepsThreeSignificantDigits) {
  EXPECT_EQ(number_text(0.76543), "0.765");
  EXPECT_EQ(number_text(0.5), "0.500");
  EXPECT_EQ(number_text(12.41), "12.4");
  EXPECT_EQ(number_text(0.99961), "1.00");
  EXPECT_EQ(number_text(0.00123456), "0.00123");
  EXPECT_EQ(number_text(0), "0");
}

TEST(NumberText, SeparatesThousandsByThinSpacesAndKeepsAllDigitsOfWholeNumbers) {
  EXPECT_EQ(number_text(1204.3), "1\u202f204");
  EXPECT_EQ(count_text(1204331), "1\u202f204\u202f331");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(-1100), "\u22121\u202f100");
}

TEST(NumberText, WritesVerySmallNumbersAsPowersOfTen) {
  EXPECT_EQ(number_text(0.0002, 2), "2.0\u202f\u00d7\u202f10\u207b\u2074");
  EXPECT_EQ(number_text(-1.5e-12, 2), "\u22121.5\u202f\u00d7\u202f10\u207b\u00b9\u00b2");
}

TEST(NumberText, ShowsADashForWhatIsNotANumber) {
  EXPECT_EQ(number_text(std::nan("")), "\u2013");
  EXPECT_EQ(fixed_text(std::numeric_limits<double>::infinity(), 2), "\u2013");
}

TEST(NumberText, SignsDifferencesButNotAZero) {
  EXPECT_EQ(signed_text(0.0471, 3), "+0.047");
  EXPECT_EQ(signed_text(-0.0471, 3), "\u22120.047");
  EXPECT_EQ(signed_text(0.0001, 3), "0.000");
  EXPECT_EQ(signed_text(-0.0001, 3), "0.000");
}

TEST(NumberText, ColumnsShareTheDecimalsOfTheirLargestValue) {
  EXPECT_EQ(column_decimals(std::array{0.8, 0.1}), 3);
  EXPECT_EQ(column_decimals(std::array{1.41, 0.2}), 2);
  EXPECT_EQ(column_decimals(std::array{12.0, std::nan("")}), 1);
  EXPECT_EQ(column_decimals(std::array{150.0, 0.2}), 0);
}

TEST(NumberText, IntervalsAreEmptyWhenUnknown) {
  EXPECT_EQ(interval_text({0.8, 0.712, 0.8034}, 3), "0.712 to 0.803");
  EXPECT_EQ(interval_text({0.8}, 3), "");
}

TEST(NumberText, SecondsBecomeMinutesAndHours) {
  EXPECT_EQ(seconds_text(9.44), "9.4 s");
  EXPECT_EQ(seconds_text(222.4), "3 min 42 s");
  EXPECT_EQ(seconds_text(7384), "2 h 3 min");
}

}  // namespace
}  // namespace marrow
