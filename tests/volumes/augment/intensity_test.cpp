#include "volumes/augment/intensity.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace marrow {
namespace {

constexpr Size3 kPatch{21, 10, 7};  // rows that are no multiple of a vector

std::vector<float> uneven_patch() {
  std::vector<float> values(21 * 10 * 7);
  for (std::size_t n = 0; n < values.size(); ++n) {
    values[n] = static_cast<float>(n * 6151 % 997) / 300.0F - 1.2F;
  }
  return values;
}

double mean_of(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation_of(const std::vector<float>& values) {
  const double mean = mean_of(values);
  double squares = 0;
  for (const float value : values) {
    squares += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
  }
  return std::sqrt(squares / static_cast<double>(values.size()));
}

// One axis after another, every tap with its border test, in double.
std::vector<double> slow_blur(const std::vector<float>& values, const Size3& size, double sigma) {
  const auto radius = static_cast<std::int64_t>(std::ceil(3 * sigma));
  double total = 0;
  for (std::int64_t r = -radius; r <= radius; ++r) {
    total += std::exp(-static_cast<double>(r * r) / (2 * sigma * sigma));
  }
  std::vector<double> now(values.begin(), values.end());
  for (std::size_t axis = 0; axis < 3; ++axis) {
    std::vector<double> next(now.size());
    for (std::int64_t k = 0; k < size[2]; ++k) {
      for (std::int64_t j = 0; j < size[1]; ++j) {
        for (std::int64_t i = 0; i < size[0]; ++i) {
          double sum = 0;
          for (std::int64_t r = -radius; r <= radius; ++r) {
            std::array<std::int64_t, 3> at{i, j, k};
            at[axis] = std::clamp<std::int64_t>(at[axis] + r, 0, size[axis] - 1);
            sum += std::exp(-static_cast<double>(r * r) / (2 * sigma * sigma)) / total *
                   now[static_cast<std::size_t>(at[0] + size[0] * (at[1] + size[1] * at[2]))];
          }
          next[static_cast<std::size_t>(i + size[0] * (j + size[1] * k))] = sum;
        }
      }
    }
    now = next;
  }
  return now;
}

void expect_blur_like_the_slow_one(const Size3& size, double sigma) {
  std::vector<float> values = uneven_patch();
  values.resize(static_cast<std::size_t>(size[0] * size[1] * size[2]));
  const std::vector<double> expected = slow_blur(values, size, sigma);

  blur(values, size, sigma);

  for (std::size_t n = 0; n < values.size(); ++n) {
    ASSERT_NEAR(values[n], expected[n], 2e-6) << n;
  }
}

TEST(Intensity, BlursAsThePlainSumDoes) {
  expect_blur_like_the_slow_one(kPatch, 0.8);
}

TEST(Intensity, BlursWithAKernelWiderThanThePatch) {
  expect_blur_like_the_slow_one({9, 5, 3}, 4.0);
}

TEST(Intensity, BlursOneSliceWithinItsPlane) {
  expect_blur_like_the_slow_one({21, 10, 1}, 1.0);
}

TEST(Intensity, KeepsAConstantPatchUnderABlur) {
  std::vector<float> values(kPatch[0] * kPatch[1] * kPatch[2], 3.0F);

  blur(values, kPatch, 1.7);

  for (const float value : values) {
    EXPECT_NEAR(value, 3.0F, 1e-5F);
  }
}

TEST(Intensity, AddsNoiseOfTheDeviationAskedForThatDependsOnTheKeyAlone) {
  std::vector<float> values(200003, 5.0F);
  std::vector<float> again = values;
  std::vector<float> other = values;

  add_noise(values, 0.25, 0x123456789abcdefULL);
  add_noise(again, 0.25, 0x123456789abcdefULL);
  add_noise(other, 0.25, 0x123456789abcdeeULL);

  EXPECT_EQ(values, again);
  EXPECT_NE(values, other);
  EXPECT_NEAR(mean_of(values), 5.0, 0.003);
  EXPECT_NEAR(deviation_of(values), 0.25, 0.002);
}

TEST(Intensity, GivesNeighbouringVoxelsIndependentNoise) {
  std::vector<float> values(200000, 0.0F);

  add_noise(values, 1.0, 42);

  for (const std::size_t lag : {1U, 2U, 16U, 32U}) {
    double product = 0;
    for (std::size_t n = 0; n + lag < values.size(); ++n) {
      product += static_cast<double>(values[n]) * static_cast<double>(values[n + lag]);
    }
    EXPECT_NEAR(product / 200000.0, 0.0, 0.012) << lag;
  }
}

TEST(Intensity, MultipliesThenStretchesAboutTheMean) {
  std::vector<float> values{1, 2, 3, 6};  // mean 3

  scale_and_stretch(values, 2.0, 0.5);  // 2 4 6 12, halfway to 6

  EXPECT_FLOAT_EQ(values[0], 4);
  EXPECT_FLOAT_EQ(values[1], 5);
  EXPECT_FLOAT_EQ(values[2], 6);
  EXPECT_FLOAT_EQ(values[3], 9);
}

TEST(Intensity, BendsGammaAsThePlainFormulaAndKeepsMeanAndDeviation) {
  const std::vector<float> before = uneven_patch();
  std::vector<float> values = before;

  bend_gamma(values, 0.7);

  const auto [low, high] = std::minmax_element(before.begin(), before.end());
  std::vector<float> bent;
  for (const float value : before) {
    bent.push_back(std::pow((value - *low) / (*high - *low), 0.7F) * (*high - *low) + *low);
  }
  const double stretch = deviation_of(before) / deviation_of(bent);
  for (std::size_t n = 0; n < values.size(); ++n) {
    const double expected =
        (static_cast<double>(bent[n]) - mean_of(bent)) * stretch + mean_of(before);
    ASSERT_NEAR(values[n], expected, 1e-5) << n;
  }
  EXPECT_NEAR(mean_of(values), mean_of(before), 1e-5);
  EXPECT_NEAR(deviation_of(values), deviation_of(before), 1e-5);
}

TEST(Intensity, LeavesAConstantPatchAloneUnderGamma) {
  std::vector<float> values(100, -0.5F);

  bend_gamma(values, 1.4);

  EXPECT_EQ(values, std::vector<float>(100, -0.5F));
}

TEST(Intensity, MultipliesTheHeightAboveTheMinimumByTheField) {
  Rng rng(8);
  const BiasField field = draw_bias_field(kPatch, rng);
  const std::vector<float> before = uneven_patch();
  std::vector<float> values = before;

  multiply_bias_field(values, kPatch, field);

  const double low = static_cast<double>(*std::min_element(before.begin(), before.end()));
  double strongest = 0;
  std::size_t n = 0;
  for (int k = 0; k < 7; ++k) {
    for (int j = 0; j < 10; ++j) {
      for (int i = 0; i < 21; ++i, ++n) {
        double exponent = 0;
        for (std::size_t term = 0; term < 19; ++term) {
          const auto& power = bias_field_powers()[term];
          exponent += static_cast<double>(field.coefficients[term]) *
                      std::pow(2 * i / 20.0 - 1, power[0]) * std::pow(2 * j / 9.0 - 1, power[1]) *
                      std::pow(2 * k / 6.0 - 1, power[2]);
        }
        strongest = std::max(strongest, std::abs(exponent));
        const double expected = low + (static_cast<double>(before[n]) - low) * std::exp(exponent);
        ASSERT_NEAR(values[n], expected, 1e-5) << n;
      }
    }
  }
  EXPECT_GT(strongest, 0.04);
  EXPECT_LT(strongest, 0.31);
}

TEST(Intensity, DrawsNothingByDefault) {
  std::vector<float> values = uneven_patch();

  change_intensity(values, kPatch, draw_intensity(AugmentOptions{}, kPatch, 3, 0));

  EXPECT_EQ(values, uneven_patch());
}

TEST(Intensity, DrawsWithinTheRangesAndForEachChannelAnew) {
  AugmentOptions options;
  options.brightness = options.contrast = options.gamma = options.noise = options.blur = 1.0;
  options.brightness_range = {0.9, 1.1};
  options.blur_sigma = {0.6, 0.9};

  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const IntensityChange change = draw_intensity(options, kPatch, seed, 0);
    EXPECT_GE(change.brightness, 0.9);
    EXPECT_LT(change.brightness, 1.1);
    EXPECT_GE(change.blur_sigma, 0.6);
    EXPECT_LT(change.blur_sigma, 0.9);
    EXPECT_LT(change.noise_sigma, 0.1);
    EXPECT_NE(change.gamma, draw_intensity(options, kPatch, seed, 1).gamma);
  }
}

}  // namespace
}  // namespace marrow
