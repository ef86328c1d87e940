#include "volumes/fingerprints/lanczos_resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

namespace {

constexpr double kLobes = 3;
constexpr std::int64_t kLongestSide = 32'768;

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

LanczosRowPlan row_plan(const std::vector<LanczosResize::Taps>& all, std::int64_t columns) {
  LanczosRowPlan plan;
  plan.columns = columns;
  plan.shift = coarse_shift(all);
  const std::int32_t half_step = plan.shift == 0 ? 0 : 1 << (plan.shift - 1);
  for (const LanczosResize::Taps& taps : all) {
    LanczosTaps output;
    output.first = taps.first;
    output.padded = (taps.count + kLanczosVector - 1) / kLanczosVector * kLanczosVector;
    for (const std::int32_t weight : taps.weights) {
      const std::int32_t nearest = (weight + half_step) >> plan.shift;
      const std::int32_t fine = weight - (nearest << plan.shift);
      output.coarse.push_back(static_cast<std::int16_t>(nearest));
      output.fine.push_back(static_cast<std::int16_t>(fine));
      (fine > 0 ? output.most_above : output.most_below) += 255 * fine;
    }
    output.coarse.resize(static_cast<std::size_t>(output.padded));
    output.fine.resize(static_cast<std::size_t>(output.padded));
    plan.outputs.push_back(std::move(output));
  }
  return plan;
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
  along_rows_ = row_plan(taps_of(from.columns, to.columns), from.columns);
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
      out[y * width + x] = lanczos_pixel(sums[x]);
    }
  }
}

void LanczosResize::resize(std::span<const std::uint8_t> picture,
                           std::span<std::uint8_t> out) const {
  MARROW_CHECK(static_cast<std::int64_t>(picture.size()) == from_.columns * from_.rows);
  MARROW_CHECK(static_cast<std::int64_t>(out.size()) == to_.columns * to_.rows);
  std::vector<std::uint8_t> narrow;
  const bool rows_shrink = !along_rows_.outputs.empty();
  if (rows_shrink) {
    narrow.resize(static_cast<std::size_t>(to_.columns * from_.rows));
    lanczos_rows()(along_rows_,
                   picture.data(),
                   from_.rows,
                   along_columns_.empty() ? out.data() : narrow.data());
    picture = narrow;
  }
  if (!along_columns_.empty()) {
    shrink_columns(picture, out);
  } else if (!rows_shrink) {
    std::copy(picture.begin(), picture.end(), out.begin());
  }
}

}  // namespace marrow
