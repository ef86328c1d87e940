#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "volumes/fingerprints/lanczos_kernel.h"

// The body of lanczos_kernel_*.cpp, each of which is compiled for another kind of processor; what
// is here must not be shared between them, nor be a function that the rest of the program has, too.
namespace marrow {
namespace {

// The compiler makes multiply-and-add instructions for pairs out of this.
std::int32_t lanczos_dot(const std::int16_t* pixels,
                         const std::int16_t* weights,
                         std::int64_t count) {
  std::int32_t sum = 0;
  for (std::int64_t n = 0; n < count / kLanczosVector * kLanczosVector; ++n) {
    sum += static_cast<std::int32_t>(pixels[n]) * weights[n];
  }
  return sum;
}

std::uint8_t lanczos_rounded(std::int32_t sum) {
  const std::int32_t rounded = (sum + (1 << (kLanczosWeightBits - 1))) >> kLanczosWeightBits;
  return static_cast<std::uint8_t>(rounded < 0 ? 0 : rounded > 255 ? 255 : rounded);
}

void lanczos_rows_loop(const LanczosRowPlan& plan,
                       const std::uint8_t* picture,
                       std::int64_t rows,
                       std::uint8_t* out) {
  // Behind the row lie zeros that the last vector may reach.
  auto* const row = new std::int16_t[static_cast<std::size_t>(plan.columns + kLanczosVector)]();
  const LanczosTaps* const outputs = plan.outputs.data();
  const std::size_t count = plan.outputs.size();
  for (std::int64_t y = 0; y < rows; ++y) {
    for (std::int64_t x = 0; x < plan.columns; ++x) {
      row[x] = picture[y * plan.columns + x];
    }
    for (std::size_t n = 0; n < count; ++n) {
      const LanczosTaps& taps = outputs[n];
      const std::int16_t* const pixels = row + taps.first;
      const std::int32_t sum = lanczos_dot(pixels, taps.coarse.data(), taps.padded) << plan.shift;
      std::uint8_t value = lanczos_rounded(sum + taps.most_below);
      if (value != lanczos_rounded(sum + taps.most_above)) {
        value = lanczos_rounded(sum + lanczos_dot(pixels, taps.fine.data(), taps.padded));
      }
      *out++ = value;
    }
  }
  delete[] row;
}

}  // namespace
}  // namespace marrow
