#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "volumes/fingerprints/lanczos_kernel.h"

// The body of lanczos_kernel_*.cpp, each of which is compiled for another kind of processor; what
// is here must not be shared between them, nor be a function that the rest of the program has, too.
namespace marrow {
namespace {

constexpr std::int64_t kLoopRows = 8;     // at a time, so that a vector of weights is read once
constexpr std::int64_t kLoopVector = 16;  // the longest vector of 16-bit numbers
constexpr std::int64_t kLoopLine = 64;    // bytes of a cache's line

struct LoopSums {
  alignas(32) std::int32_t of[kLoopRows];
};

// Weights times pixels of kLoopRows rows, `stride` apart; `padded` is a multiple of kLoopVector.
using LoopDots = LoopSums (*)(const std::int16_t* pixels,
                              std::int64_t stride,
                              const std::int16_t* weights,
                              std::int64_t padded);

std::int32_t lanczos_fine(const std::int16_t* pixels,
                          const std::int8_t* weights,
                          std::int64_t padded) {
  std::int32_t sum = 0;
  for (std::int64_t n = 0; n < padded / kLoopVector * kLoopVector; ++n) {
    sum += static_cast<std::int32_t>(pixels[n]) * weights[n];
  }
  return sum;
}

std::int32_t lanczos_rounded(std::int32_t sum) {
  const std::int32_t rounded = (sum + (1 << (kLanczosWeightBits - 1))) >> kLanczosWeightBits;
  return rounded < 0 ? 0 : rounded > 255 ? 255 : rounded;
}

LoopSums lanczos_rounded(const LoopSums& sums, std::int32_t more) {
  LoopSums rounded;
  for (std::int64_t row = 0; row < kLoopRows; ++row) {
    rounded.of[row] = lanczos_rounded(sums.of[row] + more);
  }
  return rounded;
}

// Asks for bytes that will be read soon; returns where to go on.
const std::uint8_t* lanczos_fetch(const std::uint8_t* from,
                                  const std::uint8_t* end,
                                  std::int64_t count) {
  const std::uint8_t* const stop = end - from > count ? from + count : end;
  for (const std::uint8_t* line = from; line < stop; line += kLoopLine) {
    __builtin_prefetch(line);
  }
  return stop;
}

template <LoopDots Dots>
void lanczos_rows_loop(const LanczosPlan& plan,
                       const std::uint8_t* picture,
                       std::int64_t rows,
                       std::uint8_t* out) {
  // Behind each row lie zeros that the last vector may reach.
  const std::int64_t stride = plan.length + kLoopVector;
  auto* const block = new std::int16_t[static_cast<std::size_t>(stride * kLoopRows)]();
  const LanczosTaps* const outputs = plan.outputs.data();
  const auto count = static_cast<std::int64_t>(plan.outputs.size());
  const std::uint8_t* const end = picture + rows * plan.length;
  // While an output is summed up, its share of the next rows comes from memory.
  const std::int64_t ahead = (kLoopRows * plan.length / count / kLoopLine + 1) * kLoopLine;
  for (std::int64_t y = 0; y < rows; y += kLoopRows) {
    const std::int64_t here = rows - y < kLoopRows ? rows - y : kLoopRows;
    for (std::int64_t row = 0; row < here; ++row) {
      for (std::int64_t x = 0; x < plan.length; ++x) {
        block[row * stride + x] = picture[(y + row) * plan.length + x];
      }
    }
    const std::uint8_t* next = picture + (y + here) * plan.length;
    for (std::int64_t n = 0; n < count; ++n) {
      next = lanczos_fetch(next, end, ahead);
      const LanczosTaps& taps = outputs[n];
      const std::int16_t* const pixels = block + taps.first;
      const std::int64_t padded = (taps.count + kLoopVector - 1) / kLoopVector * kLoopVector;
      LoopSums sums = Dots(pixels, stride, taps.coarse.data(), padded);
      for (std::int32_t& sum : sums.of) {
        sum *= plan.step;
      }
      LoopSums below = lanczos_rounded(sums, taps.most_below);
      const LoopSums above = lanczos_rounded(sums, taps.most_above);
      std::int32_t differing = 0;
      for (std::int64_t row = 0; row < kLoopRows; ++row) {
        differing |= below.of[row] ^ above.of[row];
      }
      for (std::int64_t row = 0; differing != 0 && row < here; ++row) {
        if (below.of[row] != above.of[row]) {
          const std::int16_t* const its = pixels + row * stride;
          below.of[row] =
              lanczos_rounded(sums.of[row] + lanczos_fine(its, taps.fine.data(), padded));
        }
      }
      for (std::int64_t row = 0; row < here; ++row) {
        out[n * rows + y + row] = static_cast<std::uint8_t>(below.of[row]);
      }
    }
  }
  delete[] block;
}

}  // namespace
}  // namespace marrow
