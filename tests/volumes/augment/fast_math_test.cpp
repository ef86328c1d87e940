#include "volumes/augment/fast_math.h"

#include <cmath>

#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(FastMath, Log2AgreesWithTheStandardLibrary) {
  for (double x = 1.3e-38; x < 1e38; x *= 1.37) {
    const auto value = static_cast<float>(x);
    const double expected = std::log2(static_cast<double>(value));
    EXPECT_NEAR(fast::log2(value), expected, 1e-6 * std::max(1.0, std::abs(expected))) << value;
  }
  EXPECT_EQ(fast::log2(1.0F), 0.0F);
}

TEST(FastMath, Exp2AgreesWithTheStandardLibrary) {
  for (float x = -125.9F; x < 126.0F; x += 0.0137F) {
    const double expected = std::exp2(static_cast<double>(x));
    EXPECT_NEAR(fast::exp2(x) / expected, 1.0, 1e-6) << x;
  }
  EXPECT_EQ(fast::exp2(3.0F), 8.0F);
}

TEST(FastMath, PowKeepsTheEndsOfTheUnitInterval) {
  EXPECT_EQ(fast::pow(0.0F, 0.1F), 0.0F);
  EXPECT_EQ(fast::pow(1.0F, 0.37F), 1.0F);
  EXPECT_NEAR(fast::pow(0.25F, 1.5F), 0.125F, 1e-7F);
  EXPECT_NEAR(fast::pow(0.3F, 0.7F), std::pow(0.3, 0.7), 1e-6);
}

TEST(FastMath, NormalsHaveTheMomentsOfAStandardNormal) {
  constexpr int kPairs = 200000;
  double sum = 0;
  double squares = 0;
  double fourth = 0;
  double product = 0;
  double beyond_two = 0;
  for (std::uint32_t n = 0; n < kPairs; ++n) {
    const auto [a, b] = fast::normals(fast::hash(2 * n, 7, 9), fast::hash(2 * n + 1, 7, 9));
    for (const double x : {static_cast<double>(a), static_cast<double>(b)}) {
      sum += x;
      squares += x * x;
      fourth += x * x * x * x;
      beyond_two += std::abs(x) > 2 ? 1 : 0;
    }
    product += static_cast<double>(a) * static_cast<double>(b);
  }

  // About five standard errors each.
  EXPECT_NEAR(sum / (2.0 * kPairs), 0.0, 0.008);
  EXPECT_NEAR(squares / (2.0 * kPairs), 1.0, 0.012);
  EXPECT_NEAR(fourth / (2.0 * kPairs), 3.0, 0.08);
  EXPECT_NEAR(product / kPairs, 0.0, 0.012);
  EXPECT_NEAR(beyond_two / (2.0 * kPairs), 0.0455, 0.0017);
}

TEST(FastMath, HashesOfNeighbouringCountersShareNoPattern) {
  // Every output bit flips in about half of all steps from one counter to the next.
  for (int bit = 0; bit < 32; ++bit) {
    int flips = 0;
    for (std::uint32_t n = 0; n < 4000; ++n) {
      flips += static_cast<int>((fast::hash(n, 1, 2) ^ fast::hash(n + 1, 1, 2)) >> bit & 1U);
    }
    EXPECT_NEAR(flips / 4000.0, 0.5, 0.045) << bit;
  }
}

}  // namespace
}  // namespace marrow
