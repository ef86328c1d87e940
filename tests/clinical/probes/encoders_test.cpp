#include <vector>

#include <gtest/gtest.h>

#include "clinical/probes/probe.h"
#include "core/error.h"
#include "tests/support/feature_sets.h"

namespace marrow {
namespace {

using testing_support::clouds;

ProbeOptions options_of(std::int64_t draws) {
  ProbeOptions options;
  options.kinds = {"knn"};
  options.budgets = {3};
  options.fractions = {};
  options.draws = draws;
  options.resamples = 400;
  return options;
}

// Encoders that see the same cases, one clearly and one not at all.
ProbeReport encoder_that_sees(double apart, const ProbeOptions& options) {
  return run_probes(
      clouds(40, 2, 4, apart, 1, "train"), clouds(60, 2, 4, apart, 2, "test"), options);
}

double width(const ProbeReport& report) {
  const Interval interval = *report.results[0].summary[0].interval;
  return interval.high - interval.low;
}

TEST(ProbeEncoders, CountAsWholesInIntervalsAndAsDrawsInMeans) {
  const ProbeOptions options = options_of(6);
  const ProbeReport good = encoder_that_sees(4, options);
  const ProbeReport poor = encoder_that_sees(0, options);
  ProbeReport both = good;

  add_encoder(both, poor);
  summarise_probes(both, options);

  ASSERT_EQ(both.results[0].draws.size(), 12U);
  EXPECT_EQ(both.results[0].draws[11].encoder, 1);
  EXPECT_EQ(both.results[0].draws[11].number, 5);
  EXPECT_NEAR(*both.results[0].summary[0].mean,
              (*good.results[0].summary[0].mean + *poor.results[0].summary[0].mean) / 2,
              1e-12);
  // One time in four a resample has the good encoder only, one time in four the poor one.
  const Interval interval = *both.results[0].summary[0].interval;
  EXPECT_GT(interval.high, *good.results[0].summary[0].mean - 0.05);
  EXPECT_LT(interval.low, *poor.results[0].summary[0].mean + 0.05);
}

TEST(ProbeEncoders, ThatAgreeLeaveTheIntervalAsItWas) {
  const ProbeOptions options = options_of(6);
  const ProbeReport one = encoder_that_sees(1, options);
  ProbeReport three = one;

  add_encoder(three, one);
  add_encoder(three, one);
  summarise_probes(three, options);

  EXPECT_EQ(three.results[0].draws[17].encoder, 2);
  EXPECT_EQ(three.results[0].summary.size(), one.results[0].summary.size());
  EXPECT_NEAR(width(three), width(one), 0.3 * width(one));
  EXPECT_NEAR(*three.results[0].summary[0].mean, *one.results[0].summary[0].mean, 1e-12);
}

TEST(ProbeEncoders, AreComparedInPairs) {
  const ProbeOptions options = options_of(3);
  ProbeReport first = encoder_that_sees(0, options);
  add_encoder(first, encoder_that_sees(0.1, options));
  ProbeReport second = encoder_that_sees(3, options);
  add_encoder(second, encoder_that_sees(4, options));

  const std::vector<ProbeDifference> differences = compare_probes(first, second, options);

  EXPECT_GT(differences[0].interval->low, 0);
}

TEST(ProbeEncoders, OfOtherOptionsAreRefused) {
  ProbeReport one = encoder_that_sees(1, options_of(2));
  ProbeOptions other = options_of(2);
  other.budgets = {1};

  EXPECT_THROW(add_encoder(one, encoder_that_sees(1, other)), Error);
  EXPECT_THROW(static_cast<void>(compare_probes(one, encoder_that_sees(1, options_of(3)), other)),
               Error);
}

}  // namespace
}  // namespace marrow
