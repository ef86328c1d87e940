#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace marrow::testing {

// A grid without Eigen: ITK brings an Eigen of its own, which does not go into one file with ours.
struct PlainGrid {
  std::array<std::int64_t, 3> size{};
  std::array<double, 3> spacing{};
  std::array<double, 3> origin{};
  std::array<double, 9> direction{};  // row by row
};

// ITK's answer: a Gaussian of `sigma_mm` along each axis (0: none), then cubic B-splines at the
// centres of `target`.
std::vector<float> itk_resampled(const PlainGrid& grid,
                                 const std::vector<float>& values,
                                 const PlainGrid& target,
                                 const std::array<double, 3>& sigma_mm);

}  // namespace marrow::testing
