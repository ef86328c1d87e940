#include "io/dicom/unshear.h"

#include <array>
#include <cmath>

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

std::vector<bool> unshear_slice(const ShearedSlice& slice,
                                double shift_i,
                                double shift_j,
                                std::int64_t out_columns,
                                std::span<float> out) {
  const PixelShift along_i(shift_i);
  const PixelShift along_j(shift_j);
  const auto weight = [&](int i, int j) {
    return (i == 1 ? along_i.rest : 1 - along_i.rest) * (j == 1 ? along_j.rest : 1 - along_j.rest);
  };
  const auto inside = [&](std::int64_t i, std::int64_t j) {
    return i >= 0 && j >= 0 && i < slice.columns && j < slice.rows &&
           (slice.outside == nullptr || slice.outside->empty() ||
            !(*slice.outside)[static_cast<std::size_t>(i + j * slice.columns)]);
  };
  std::vector<bool> empty(out.size());
  for (std::size_t place = 0; place < out.size(); ++place) {
    const std::int64_t i = static_cast<std::int64_t>(place) % out_columns - along_i.whole;
    const std::int64_t j = static_cast<std::int64_t>(place) / out_columns - along_j.whole;
    double sum = 0;
    double nearest_weight = 0;
    double nearest_value = 0;
    bool nearest_inside = false;
    bool all_inside = true;
    for (int step_j = 0; step_j < 2; ++step_j) {
      for (int step_i = 0; step_i < 2; ++step_i) {
        const double share = weight(step_i, step_j);
        if (share == 0) {
          continue;
        }
        const bool picture = inside(i - step_i, j - step_j);
        const double value = picture ? static_cast<double>(slice.values[static_cast<std::size_t>(
                                           i - step_i + (j - step_j) * slice.columns)])
                                     : 0;
        all_inside = all_inside && picture;
        sum += share * value;
        if (share > nearest_weight) {
          nearest_weight = share;
          nearest_value = value;
          nearest_inside = picture;
        }
      }
    }
    empty[place] = !all_inside && !nearest_inside;
    if (!empty[place]) {
      out[place] = static_cast<float>(all_inside ? sum : nearest_value);
    }
  }
  return empty;
}

}  // namespace marrow
