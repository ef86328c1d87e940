#include "volumes/fingerprints/lanczos_resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include <fmt/format.h>

#include "core/error.h"
#include "volumes/fingerprints/lanczos_kernel.h"

namespace marrow {

namespace {

constexpr int kWeightBits = 22;
constexpr double kLobes = 3;
constexpr std::int64_t kLongestSide = 32'768;
constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

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
  const double scaled = weight * (1 << kWeightBits);
  return static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

// Sums are taken in the order in which Pillow takes them, so that not even the last bit differs.
std::vector<LanczosResize::Taps> taps_of(std::int64_t from, std::int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double widened = std::max(scale, 1.0);
  const double support = kLobes * widened;
  std::vector<LanczosResize::Taps> all(static_cast<std::size_t>(to));
  for (std::int64_t out = 0; out < to; ++out) {
    const double centre = (static_cast<double>(out) + 0.5) * scale;
    LanczosResize::Taps& taps = all[static_cast<std::size_t>(out)];
    taps.first = std::max<std::int64_t>(static_cast<std::int64_t>(centre - support + 0.5), 0);
    const auto last = std::min(static_cast<std::int64_t>(centre + support + 0.5), from);
    taps.count = last - taps.first;
    std::vector<double> weights;
    double sum = 0;
    for (std::int64_t n = 0; n < taps.count; ++n) {
      const double weight =
          lanczos_window((static_cast<double>(n + taps.first) - centre + 0.5) * (1.0 / widened));
      weights.push_back(weight);
      sum += weight;
    }
    for (const double weight : weights) {
      taps.weights.push_back(whole_weight(sum != 0 ? weight / sum : weight));
    }
  }
  return all;
}

std::uint8_t rounded_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp((sum + kHalf) >> kWeightBits, 0, 255));
}

// The smallest shift that brings every weight into 16 bits.
int coarse_shift(const std::vector<LanczosResize::Taps>& all) {
  std::int32_t largest = 0;
  for (const LanczosResize::Taps& taps : all) {
    for (const std::int32_t weight : taps.weights) {
      largest = std::max(largest, std::abs(weight));
    }
  }
  int shift = 0;
  while ((largest >> shift) >= 32'767) {
    ++shift;
  }
  return shift;
}

}  // namespace

LanczosResize::LanczosResize(Size from, Size to) : from_(from), to_(to) {
  for (const std::int64_t side : {from.columns, from.rows, to.columns, to.rows}) {
    if (side < 1 || side > kLongestSide) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format(
              "resize: expected pictures of 1 to {} pixels a side, found {}", kLongestSide, side));
    }
  }
  if (from.rows != to.rows) {
    along_columns_ = taps_of(from.rows, to.rows);
  }
  if (from.columns == to.columns) {
    return;
  }
  along_rows_ = taps_of(from.columns, to.columns);
  shift_ = coarse_shift(along_rows_);
  const std::int32_t half_step = shift_ == 0 ? 0 : 1 << (shift_ - 1);
  for (const Taps& taps : along_rows_) {
    Coarse coarse;
    for (const std::int32_t weight : taps.weights) {
      const std::int32_t nearest = (weight + half_step) >> shift_;
      const std::int32_t fine = weight - (nearest << shift_);
      coarse.weights.push_back(static_cast<std::int16_t>(nearest));
      (fine > 0 ? coarse.most_above : coarse.most_below) += 255 * fine;
    }
    const auto vectors = (coarse.weights.size() + kLanczosVector - 1) / kLanczosVector;
    coarse.weights.resize(vectors * kLanczosVector);
    coarse_.push_back(std::move(coarse));
  }
}

void LanczosResize::shrink_rows(std::span<const std::uint8_t> picture,
                                std::span<std::uint8_t> out) const {
  const LanczosDot dot = lanczos_dot();
  // Behind the row lie zeros that a padded sum may reach.
  std::vector<std::int16_t> row(static_cast<std::size_t>(from_.columns + kLanczosVector));
  for (std::int64_t y = 0; y < from_.rows; ++y) {
    const std::uint8_t* const pixels = picture.data() + y * from_.columns;
    std::copy_n(pixels, from_.columns, row.begin());
    for (std::int64_t x = 0; x < to_.columns; ++x) {
      const Taps& taps = along_rows_[static_cast<std::size_t>(x)];
      const Coarse& coarse = coarse_[static_cast<std::size_t>(x)];
      const std::int32_t sum = dot(row.data() + taps.first,
                                   coarse.weights.data(),
                                   static_cast<std::int64_t>(coarse.weights.size()))
                               << shift_;
      std::uint8_t value = rounded_pixel(sum + coarse.most_below);
      if (value != rounded_pixel(sum + coarse.most_above)) {
        std::int32_t exact = 0;
        for (std::int64_t n = 0; n < taps.count; ++n) {
          exact += taps.weights[static_cast<std::size_t>(n)] * pixels[taps.first + n];
        }
        value = rounded_pixel(exact);
      }
      out[static_cast<std::size_t>(y * to_.columns + x)] = value;
    }
  }
}

void LanczosResize::shrink_columns(std::span<const std::uint8_t> picture,
                                   std::span<std::uint8_t> out) const {
  const auto width = static_cast<std::size_t>(to_.columns);
  std::vector<std::int32_t> sums(width);
  for (std::size_t y = 0; y < along_columns_.size(); ++y) {
    const Taps& taps = along_columns_[y];
    std::fill(sums.begin(), sums.end(), 0);
    for (std::int64_t n = 0; n < taps.count; ++n) {
      const std::int32_t weight = taps.weights[static_cast<std::size_t>(n)];
      const std::uint8_t* const row =
          picture.data() + static_cast<std::size_t>(taps.first + n) * width;
      for (std::size_t x = 0; x < width; ++x) {
        sums[x] += weight * row[x];
      }
    }
    for (std::size_t x = 0; x < width; ++x) {
      out[y * width + x] = rounded_pixel(sums[x]);
    }
  }
}

void LanczosResize::resize(std::span<const std::uint8_t> picture,
                           std::span<std::uint8_t> out) const {
  MARROW_CHECK(static_cast<std::int64_t>(picture.size()) == from_.columns * from_.rows);
  MARROW_CHECK(static_cast<std::int64_t>(out.size()) == to_.columns * to_.rows);
  std::vector<std::uint8_t> narrow;
  if (!along_rows_.empty()) {
    narrow.resize(static_cast<std::size_t>(to_.columns * from_.rows));
    shrink_rows(picture, along_columns_.empty() ? out : std::span<std::uint8_t>(narrow));
    picture = narrow;
  }
  if (!along_columns_.empty()) {
    shrink_columns(picture, out);
  } else if (along_rows_.empty()) {
    std::copy(picture.begin(), picture.end(), out.begin());
  }
}

}  // namespace marrow
