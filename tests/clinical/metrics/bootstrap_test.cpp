#include "clinical/metrics/bootstrap.h"

#include <cmath>

#include <gmock/gmock.h>

#include "core/error.h"
#include "core/rng.h"

namespace marrow {
namespace {

using testing::ElementsAre;

std::vector<std::string> own_patient_each(std::size_t n) {
  std::vector<std::string> patients;
  for (std::size_t i = 0; i < n; ++i) {
    patients.push_back("p" + std::to_string(i));
  }
  return patients;
}

TEST(Bootstrap, OfAMeanIsNearTheNormalInterval) {
  Rng rng(1);
  std::vector<double> values;
  double mean = 0.0;
  for (int i = 0; i < 200; ++i) {
    values.push_back(0.8 + 0.1 * rng.normal());
    mean += values.back() / 200;
  }
  double variance = 0.0;
  for (const double value : values) {
    variance += (value - mean) * (value - mean) / 199;
  }
  const double half = 1.96 * std::sqrt(variance / 200);

  for (const BootstrapRule rule : {BootstrapRule::kPercentile, BootstrapRule::kBca}) {
    const auto interval = bootstrap_mean_interval(
        values, group_by_patient(own_patient_each(200)), {4000, 0.95, 3, rule});

    ASSERT_TRUE(interval.has_value());
    // The ends of 4000 draws wander by a few per cent of the half width.
    EXPECT_NEAR(interval->low, mean - half, 0.12 * half);
    EXPECT_NEAR(interval->high, mean + half, 0.12 * half);
  }
}

TEST(Bootstrap, GivesTheSameIntervalForTheSameSeedOnly) {
  const std::vector<double> values{0.1, 0.5, 0.45, 0.9, 0.72, 0.33};
  const auto groups = group_by_patient(own_patient_each(6));
  const auto interval = [&](std::uint64_t seed) {
    return *bootstrap_mean_interval(values, groups, {200, 0.9, seed, BootstrapRule::kPercentile});
  };

  EXPECT_EQ(interval(5).low, interval(5).low);
  EXPECT_TRUE(interval(5).low != interval(6).low || interval(5).high != interval(6).high);
}

// Ten copies of each patient's case hold no more knowledge than one.
TEST(Bootstrap, DrawsPatientsNotCases) {
  const std::vector<double> values{0.2, 0.4, 0.5, 0.7, 0.95};
  std::vector<double> repeated;
  std::vector<std::string> patients;
  for (std::size_t v = 0; v < values.size(); ++v) {
    for (int copy = 0; copy < 10; ++copy) {
      repeated.push_back(values[v]);
      patients.push_back("p" + std::to_string(v));
    }
  }

  const auto once = bootstrap_mean_interval(values, group_by_patient(own_patient_each(5)), {});
  const auto many = bootstrap_mean_interval(repeated, group_by_patient(patients), {});

  EXPECT_NEAR(once->low, many->low, 1e-12);
  EXPECT_NEAR(once->high, many->high, 1e-12);
}

// For a skewed sample BCa moves both ends towards the long tail (Efron 1987).
TEST(Bootstrap, BcaFollowsTheSkew) {
  Rng rng(2);
  std::vector<double> values;
  for (int i = 0; i < 30; ++i) {
    values.push_back(std::exp(1.2 * rng.normal()));
  }
  const auto groups = group_by_patient(own_patient_each(30));

  const auto plain =
      bootstrap_mean_interval(values, groups, {4000, 0.95, 1, BootstrapRule::kPercentile});
  const auto bca = bootstrap_mean_interval(values, groups, {4000, 0.95, 1, BootstrapRule::kBca});

  EXPECT_GT(bca->low, plain->low);
  EXPECT_GT(bca->high, plain->high);
}

TEST(Bootstrap, SaysNothingFromOnePatient) {
  EXPECT_FALSE(bootstrap_mean_interval({0.5, 0.7}, group_by_patient({"a", "a"}), {}).has_value());
}

TEST(Bootstrap, LeavesOutResamplesWithoutAValueUnlessTheyAreMost) {
  const auto groups = group_by_patient(own_patient_each(8));
  const auto interval_without = [&](std::size_t undefined_first) {
    return bootstrap_interval(groups,
                              [&](std::span<const std::size_t> cases) {
                                return cases[0] < undefined_first ? std::nan("") : 1.0;
                              },
                              {});
  };

  EXPECT_EQ(interval_without(2)->low, 1.0);
  EXPECT_FALSE(interval_without(6).has_value());
}

TEST(Bootstrap, RefusesALevelOfOne) {
  EXPECT_THROW((void)bootstrap_mean_interval({0.5, 0.7}, group_by_patient({"a", "b"}), {100, 1.0}),
               Error);
}

TEST(Bootstrap, GroupsCasesByPatientInNameOrder) {
  EXPECT_THAT(group_by_patient({"b", "a", "b"}), ElementsAre(ElementsAre(1), ElementsAre(0, 2)));
}

}  // namespace
}  // namespace marrow
