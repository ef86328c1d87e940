#include "volumes/fingerprints/slice_hash.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace marrow {

namespace {

constexpr std::int64_t kHashSide = 8;
constexpr std::size_t kDctSide = 32;

using Frequencies = std::array<double, kHashSide * kHashSide>;

// cos(pi k (2n + 1) / 64) for the frequencies k that are used.
const std::array<std::array<double, kDctSide>, kHashSide>& dct_waves() {
  static const auto waves = [] {
    std::array<std::array<double, kDctSide>, kHashSide> made{};
    for (std::size_t k = 0; k < made.size(); ++k) {
      for (std::size_t n = 0; n < kDctSide; ++n) {
        made[k][n] =
            std::cos(std::numbers::pi * static_cast<double>(k * (2 * n + 1)) / (2.0 * kDctSide));
      }
    }
    return made;
  }();
  return waves;
}

// The lowest frequencies of a picture of 32 x 32, down the columns and then along the rows.
Frequencies low_frequencies(std::span<const std::uint8_t> picture) {
  const auto& waves = dct_waves();
  std::array<double, kDctSide * kDctSide> pixels{};
  std::copy(picture.begin(), picture.end(), pixels.begin());
  std::array<double, kHashSide * kDctSide> down{};
  for (std::size_t k = 0; k < kHashSide; ++k) {
    for (std::size_t y = 0; y < kDctSide; ++y) {
      for (std::size_t x = 0; x < kDctSide; ++x) {
        down[k * kDctSide + x] += 2 * waves[k][y] * pixels[y * kDctSide + x];
      }
    }
  }
  Frequencies all{};
  for (std::size_t k = 0; k < kHashSide; ++k) {
    for (std::size_t l = 0; l < kHashSide; ++l) {
      double sum = 0;
      for (std::size_t x = 0; x < kDctSide; ++x) {
        sum += 2 * waves[l][x] * down[k * kDctSide + x];
      }
      all[k * kHashSide + l] = sum;
    }
  }
  return all;
}

double median_of(Frequencies values) {
  constexpr std::size_t kMiddle = values.size() / 2;
  std::sort(values.begin(), values.end());
  return (values[kMiddle - 1] + values[kMiddle]) / 2;
}

}  // namespace

DifferenceHash::DifferenceHash(LanczosResize::Size size)
    : resize_(size, {kHashSide + 1, kHashSide}) {}

std::uint64_t DifferenceHash::operator()(std::span<const std::uint8_t> picture) const {
  std::array<std::uint8_t, (kHashSide + 1) * kHashSide> small{};
  resize_.resize(picture, small);
  std::uint64_t hash = 0;
  for (std::size_t row = 0; row < kHashSide; ++row) {
    for (std::size_t column = 0; column < kHashSide; ++column) {
      const std::size_t at = row * (kHashSide + 1) + column;
      hash = hash << 1U | static_cast<std::uint64_t>(small[at + 1] > small[at]);
    }
  }
  return hash;
}

PerceptualHash::PerceptualHash(LanczosResize::Size size)
    : resize_(size, {static_cast<std::int64_t>(kDctSide), static_cast<std::int64_t>(kDctSide)}) {}

std::uint64_t PerceptualHash::operator()(std::span<const std::uint8_t> picture) const {
  std::array<std::uint8_t, kDctSide * kDctSide> small{};
  resize_.resize(picture, small);
  const Frequencies frequencies = low_frequencies(small);
  const double median = median_of(frequencies);
  std::uint64_t hash = 0;
  for (const double frequency : frequencies) {
    hash = hash << 1U | static_cast<std::uint64_t>(frequency > median);
  }
  return hash;
}

}  // namespace marrow
