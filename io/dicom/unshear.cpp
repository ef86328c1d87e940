#include "io/dicom/unshear.h"

#include <cmath>
#include <cstddef>
#include <limits>

namespace marrow {

namespace {

constexpr double kWholePixel = 1e-6;  // closer to a whole shift than this is a whole shift

// A shift as whole pixels and the rest of one, which is what the pixel before gets.
struct PixelShift {
  std::int64_t whole = 0;
  double rest = 0;

  explicit PixelShift(double shift)
      : whole(static_cast<std::int64_t>(std::floor(shift + kWholePixel))) {
    rest = shift - static_cast<double>(whole);
    if (rest < kWholePixel) {
      rest = 0;
    }
  }
};

}  // namespace

void unshear_slice(const ShearedSlice& slice,
                   double shift_i,
                   double shift_j,
                   std::int64_t out_columns,
                   std::span<float> out) {
  const PixelShift along_i(shift_i);
  const PixelShift along_j(shift_j);
  const auto weight = [&](int i, int j) {
    return (i == 1 ? along_i.rest : 1 - along_i.rest) * (j == 1 ? along_j.rest : 1 - along_j.rest);
  };
  constexpr float kOutside = std::numeric_limits<float>::quiet_NaN();
  const auto value_at = [&](std::int64_t i, std::int64_t j) {
    return i >= 0 && j >= 0 && i < slice.columns && j < slice.rows
               ? slice.values[static_cast<std::size_t>(i + j * slice.columns)]
               : kOutside;
  };
  for (std::size_t place = 0; place < out.size(); ++place) {
    const std::int64_t i = static_cast<std::int64_t>(place) % out_columns - along_i.whole;
    const std::int64_t j = static_cast<std::int64_t>(place) / out_columns - along_j.whole;
    double sum = 0;
    double nearest_weight = 0;
    float nearest = kOutside;
    bool all_inside = true;
    for (int step_j = 0; step_j < 2; ++step_j) {
      for (int step_i = 0; step_i < 2; ++step_i) {
        const double share = weight(step_i, step_j);
        if (share == 0) {
          continue;
        }
        const float value = value_at(i - step_i, j - step_j);
        all_inside = all_inside && !std::isnan(value);
        sum += share * static_cast<double>(value);
        if (share > nearest_weight) {
          nearest_weight = share;
          nearest = value;
        }
      }
    }
    out[place] = all_inside ? static_cast<float>(sum) : nearest;
  }
}

}  // namespace marrow
