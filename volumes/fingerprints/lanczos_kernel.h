#pragma once

#include <cstdint>
#include <vector>

namespace marrow {

// Pixels are taken so many at a time; rows of weights are filled up with zeros to whole vectors.
inline constexpr std::int64_t kLanczosVector = 32;
inline constexpr int kLanczosWeightBits = 22;

// One output of a row: weights, times 2^22, of `padded` pixels from `first` on. A weight is
// coarse * 2^shift + fine, so that sums of 16-bit products do; what the fine parts can add, at most
// and at least, rarely decides how the sum is rounded.
struct LanczosTaps {
  std::int64_t first = 0, padded = 0;
  std::vector<std::int16_t> coarse, fine;
  std::int32_t most_above = 0, most_below = 0;
};

struct LanczosRowPlan {
  std::int64_t columns = 0;  // of the picture
  int shift = 0;
  std::vector<LanczosTaps> outputs;  // of a row
};

// Shrinks every row: picture of rows x plan.columns -> out of rows x plan.outputs.size().
using LanczosRows = void (*)(const LanczosRowPlan& plan,
                             const std::uint8_t* picture,
                             std::int64_t rows,
                             std::uint8_t* out);

// Compiled for several kinds of processor; lanczos_rows() is the best that this one runs.
[[nodiscard]] LanczosRows lanczos_rows_baseline();
[[nodiscard]] LanczosRows lanczos_rows_avx2();
[[nodiscard]] LanczosRows lanczos_rows_avx512();
[[nodiscard]] LanczosRows lanczos_rows();

// A sum of weights times pixels, rounded to a pixel.
[[nodiscard]] inline std::uint8_t lanczos_pixel(std::int32_t sum) {
  const std::int32_t rounded = (sum + (1 << (kLanczosWeightBits - 1))) >> kLanczosWeightBits;
  return static_cast<std::uint8_t>(rounded < 0 ? 0 : rounded > 255 ? 255 : rounded);
}

}  // namespace marrow
