#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace marrow::testing {

struct SlicePicture {
  std::int64_t columns = 0, rows = 0;
  std::vector<std::uint8_t> pixels;
};

// The ten slices of golden/dhash.json and similarity.json, by the formula that they state.
inline std::vector<SlicePicture> golden_slices() {
  constexpr std::array kWalk{0, 1, 2, 3, 4, 5, 4, 3, 2, 1};
  std::vector<SlicePicture> slices;
  for (const int k : kWalk) {
    SlicePicture slice{40, 32, {}};
    for (int y = 0; y < 32; ++y) {
      for (int x = 0; x < 40; ++x) {
        const double value = std::floor(127.5 + 60 * std::sin(x / 5.0 + 0.25 * k) +
                                        60 * std::cos(y / 6.0 - 0.1 * k * k) + 0.5);
        slice.pixels.push_back(static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0)));
      }
    }
    slices.push_back(slice);
  }
  return slices;
}

inline SlicePicture noise_picture(std::int64_t columns, std::int64_t rows, std::uint32_t seed) {
  SlicePicture slice{columns, rows, {}};
  std::uint32_t state = seed;
  for (std::int64_t n = 0; n < columns * rows; ++n) {
    state = state * 1664525U + 1013904223U;
    slice.pixels.push_back(static_cast<std::uint8_t>(state >> 24U));
  }
  return slice;
}

}  // namespace marrow::testing
