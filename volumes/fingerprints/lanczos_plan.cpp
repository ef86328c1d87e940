#include "volumes/fingerprints/lanczos_plan.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <numbers>
#include <utility>
#include <vector>

#include "core/error.h"

namespace marrow {

namespace {

constexpr double kLobes = 3;

// The largest number that two signed bytes make.
constexpr std::int32_t kLargestCoarse = 127 * 256 + 127;

struct Taps {
  std::int64_t first = 0;
  std::vector<std::int32_t> weights;  // times 2^22
};

double sinc(double x) {
  if (x == 0) {
    return 1;
  }
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos_window(double x) {
  return x >= -kLobes && x < kLobes ? sinc(x) * sinc(x / kLobes) : 0;
}

std::int32_t whole_weight(double weight) {
  const double scaled = weight * (1 << kLanczosWeightBits);
  return static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

// Sums are taken in the order in which Pillow takes them, so that not even the last bit differs.
std::vector<Taps> taps_of(std::int64_t from, std::int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double widened = std::max(scale, 1.0);
  const double support = kLobes * widened;
  std::vector<Taps> all(static_cast<std::size_t>(to));
  for (std::int64_t out = 0; out < to; ++out) {
    const double centre = (static_cast<double>(out) + 0.5) * scale;
    Taps& taps = all[static_cast<std::size_t>(out)];
    taps.first = std::max<std::int64_t>(static_cast<std::int64_t>(centre - support + 0.5), 0);
    const auto last = std::min(static_cast<std::int64_t>(centre + support + 0.5), from);
    std::vector<double> weights;
    double sum = 0;
    for (std::int64_t n = taps.first; n < last; ++n) {
      const double weight =
          lanczos_window((static_cast<double>(n) - centre + 0.5) * (1.0 / widened));
      weights.push_back(weight);
      sum += weight;
    }
    for (const double weight : weights) {
      taps.weights.push_back(whole_weight(sum != 0 ? weight / sum : weight));
    }
  }
  return all;
}

// The finest step in which every weight is a number of 16 bits.
std::int32_t coarse_step(const std::vector<Taps>& all) {
  std::int32_t largest = 0;
  for (const Taps& taps : all) {
    for (const std::int32_t weight : taps.weights) {
      largest = std::max(largest, std::abs(weight));
    }
  }
  const std::int32_t step = largest / kLargestCoarse + 1;
  MARROW_CHECK(step <= 255);  // weights stay below 1.3: what is left of one fits into a byte
  return step;
}

std::int32_t nearest(std::int32_t weight, std::int32_t step) {
  return (weight < 0 ? weight - step / 2 : weight + step / 2) / step;
}

LanczosTaps split(const Taps& taps, std::int32_t step) {
  LanczosTaps output;
  output.first = taps.first;
  output.count = static_cast<std::int64_t>(taps.weights.size());
  for (const std::int32_t weight : taps.weights) {
    const std::int32_t coarse = nearest(weight, step);
    const std::int32_t fine = weight - coarse * step;
    const std::int32_t high = (coarse + 128) >> 8;
    output.coarse.push_back(static_cast<std::int16_t>(coarse));
    output.high.push_back(static_cast<std::int8_t>(high));
    output.low.push_back(static_cast<std::int8_t>(coarse - (high << 8)));
    output.fine.push_back(static_cast<std::int8_t>(fine));
    (fine > 0 ? output.most_above : output.most_below) += 255 * fine;
  }
  const auto padded = static_cast<std::size_t>((output.count + kLanczosVector - 1) /
                                               kLanczosVector * kLanczosVector);
  output.coarse.resize(padded);
  for (std::vector<std::int8_t>* const part : {&output.high, &output.low, &output.fine}) {
    part->resize(padded);
  }
  return output;
}

}  // namespace

LanczosPlan lanczos_plan(std::int64_t from, std::int64_t to) {
  const std::vector<Taps> all = taps_of(from, to);
  LanczosPlan plan;
  plan.length = from;
  plan.step = coarse_step(all);
  for (const Taps& taps : all) {
    plan.outputs.push_back(split(taps, plan.step));
  }
  return plan;
}

}  // namespace marrow
