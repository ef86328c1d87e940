#pragma once

#include <cstdint>
#include <vector>

namespace marrow {

// Rows of weights are filled up with zeros to whole vectors of so many.
inline constexpr std::int64_t kLanczosVector = 64;
inline constexpr int kLanczosWeightBits = 22;

// One output of a row: weights, times 2^22, of `count` pixels from `first` on. A weight is
// coarse * step + fine, so that sums of 16-bit products do; what the fine parts can add, at most
// and at least, rarely decides how the sum is rounded. For processors that multiply bytes, coarse
// is high * 2^8 + low as well.
struct LanczosTaps {
  std::int64_t first = 0, count = 0;
  std::vector<std::int16_t> coarse;
  std::vector<std::int8_t> high, low, fine;
  std::int32_t most_above = 0, most_below = 0;
};

struct LanczosPlan {
  std::int64_t length = 0;  // of a row, in pixels
  std::int32_t step = 1;
  std::vector<LanczosTaps> outputs;  // of a row
};

// Shrinks every row, and turns the picture so that the same does for its columns: from
// rows x plan.length, row by row, to plan.outputs.size() x rows.
using LanczosRows = void (*)(const LanczosPlan& plan,
                             const std::uint8_t* picture,
                             std::int64_t rows,
                             std::uint8_t* out);

// Compiled for several kinds of processor; lanczos_rows() is the best that this one runs.
[[nodiscard]] LanczosRows lanczos_rows_baseline();
[[nodiscard]] LanczosRows lanczos_rows_avx2();
[[nodiscard]] LanczosRows lanczos_rows_vnni();
[[nodiscard]] LanczosRows lanczos_rows();

// All of them that this processor runs.
[[nodiscard]] std::vector<LanczosRows> runnable_lanczos_rows();

}  // namespace marrow
