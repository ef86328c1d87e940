#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "volumes/fingerprints/lanczos_kernel.h"

// The body of lanczos_kernel_*.cpp, each of which is compiled for another kind of processor; what
// is here must not be shared between them, nor be a function that the rest of the program has, too.
namespace marrow {
namespace {

constexpr std::int64_t kLoopRows = 4;     // at a time, so that a vector of weights is read once
constexpr std::int64_t kLoopVector = 32;  // the longest vector of 16-bit numbers

struct LoopSums {
  std::int32_t of[kLoopRows];
};

// The compiler makes multiply-and-add instructions for pairs out of this.
LoopSums lanczos_dots(const std::int16_t* pixels,
                      std::int64_t stride,
                      const std::int16_t* weights,
                      std::int64_t count) {
  const std::int16_t* const b = pixels + stride;
  const std::int16_t* const c = b + stride;
  const std::int16_t* const d = c + stride;
  std::int32_t sum_a = 0, sum_b = 0, sum_c = 0, sum_d = 0;
  const std::int64_t vectors = (count + kLoopVector - 1) / kLoopVector;
  for (std::int64_t n = 0; n < vectors * kLoopVector; ++n) {
    const std::int32_t weight = weights[n];
    sum_a += pixels[n] * weight;
    sum_b += b[n] * weight;
    sum_c += c[n] * weight;
    sum_d += d[n] * weight;
  }
  return {{sum_a, sum_b, sum_c, sum_d}};
}

std::int32_t lanczos_fine(const std::int16_t* pixels,
                          const std::int8_t* weights,
                          std::int64_t count) {
  std::int32_t sum = 0;
  for (std::int64_t n = 0; n < count; ++n) {
    sum += static_cast<std::int32_t>(pixels[n]) * weights[n];
  }
  return sum;
}

std::uint8_t lanczos_rounded(std::int32_t sum) {
  const std::int32_t rounded = (sum + (1 << (kLanczosWeightBits - 1))) >> kLanczosWeightBits;
  return static_cast<std::uint8_t>(rounded < 0 ? 0 : rounded > 255 ? 255 : rounded);
}

void lanczos_rows_loop(const LanczosPlan& plan,
                       const std::uint8_t* picture,
                       std::int64_t rows,
                       std::uint8_t* out) {
  // Behind each row lie zeros that the last vector may reach.
  const std::int64_t stride = plan.length + kLoopVector;
  auto* const block = new std::int16_t[static_cast<std::size_t>(stride * kLoopRows)]();
  const LanczosTaps* const outputs = plan.outputs.data();
  const auto count = static_cast<std::int64_t>(plan.outputs.size());
  for (std::int64_t y = 0; y < rows; y += kLoopRows) {
    const std::int64_t here = rows - y < kLoopRows ? rows - y : kLoopRows;
    for (std::int64_t row = 0; row < here; ++row) {
      for (std::int64_t x = 0; x < plan.length; ++x) {
        block[row * stride + x] = picture[(y + row) * plan.length + x];
      }
    }
    for (std::int64_t n = 0; n < count; ++n) {
      const LanczosTaps& taps = outputs[n];
      const std::int16_t* const pixels = block + taps.first;
      const LoopSums sums = lanczos_dots(pixels, stride, taps.coarse.data(), taps.count);
      for (std::int64_t row = 0; row < here; ++row) {
        const std::int32_t sum = sums.of[row] * plan.step;
        std::uint8_t value = lanczos_rounded(sum + taps.most_below);
        if (value != lanczos_rounded(sum + taps.most_above)) {
          const std::int16_t* const its = pixels + row * stride;
          value = lanczos_rounded(sum + lanczos_fine(its, taps.fine.data(), taps.count));
        }
        out[n * rows + y + row] = value;
      }
    }
  }
  delete[] block;
}

}  // namespace
}  // namespace marrow
