#pragma once

#include <cstddef>
#include <cstdint>

#include "volumes/reduction/ssim_kernel.h"

// The body of ssim_kernel_baseline, _avx2 and _avx512.cpp, each of which is compiled for another
// kind of processor; what is here must not be shared between them, nor be a function that the rest
// of the program has, too.
namespace marrow {
namespace {

// What the similarity is made of under a window: means, and means of a^2 + b^2 and of a * b.
constexpr std::size_t kMoments = 4;
// So many columns are done from top to bottom before the next ones, whose rows under a window then
// stay in the first-level cache. Pictures of 224 pixels have 214 places: three times as many.
constexpr std::size_t kStrip = 72;
constexpr std::size_t kStripRead = kStrip + kSsimWindow - 1;

struct SsimStrip {
  // One row, with what its windows reach.
  alignas(64) double lines[kMoments][kStripRead];
  // The last rows, filtered along themselves.
  alignas(64) double ring[kSsimWindow][kMoments][kStrip];
  alignas(64) double totals[kStrip];
};

// What `count` pixels of a row have of each moment.
inline void write_moments(const std::uint8_t* __restrict a,
                          const std::uint8_t* __restrict b,
                          std::size_t count,
                          double (&__restrict out)[kMoments][kStripRead]) {
  for (std::size_t x = 0; x < count; ++x) {
    const int va = a[x];
    const int vb = b[x];
    out[0][x] = va;
    out[1][x] = vb;
    out[2][x] = va * va + vb * vb;
    out[3][x] = va * vb;
  }
}

inline void filter_row(const double (&__restrict row)[kStripRead],
                       const double* window,
                       double (&__restrict out)[kStrip]) {
  const double w0 = window[0], w1 = window[1], w2 = window[2];
  const double w3 = window[3], w4 = window[4], w5 = window[5];
  for (std::size_t x = 0; x < kStrip; ++x) {
    out[x] = w0 * (row[x] + row[x + 10]) + w1 * (row[x + 1] + row[x + 9]) +
             w2 * (row[x + 2] + row[x + 8]) + w3 * (row[x + 3] + row[x + 7]) +
             w4 * (row[x + 4] + row[x + 6]) + w5 * row[x + 5];
  }
}

// Adds the similarity at each place of a row, under whose windows the ring's rows lie, the topmost
// at `first`.
inline void add_similarities(const double (&__restrict ring)[kSsimWindow][kMoments][kStrip],
                             std::size_t first,
                             const double* window,
                             double (&__restrict totals)[kStrip]) {
  constexpr double kC1 = 0.01 * 255 * 0.01 * 255;
  constexpr double kC2 = 0.03 * 255 * 0.03 * 255;
  const double(*rows[kSsimWindow])[kStrip];
  for (std::size_t n = 0; n < kSsimWindow; ++n) {
    rows[n] = ring[(first + n) % kSsimWindow];
  }
  for (std::size_t x = 0; x < kStrip; ++x) {
    double m[kMoments];
#pragma GCC unroll 4
    for (std::size_t n = 0; n < kMoments; ++n) {
      m[n] = window[5] * rows[5][n][x];
#pragma GCC unroll 5
      for (std::size_t k = 0; k < kSsimRadius; ++k) {
        m[n] += window[k] * (rows[k][n][x] + rows[10 - k][n][x]);
      }
    }
    const double squares = m[0] * m[0] + m[1] * m[1];
    const double product = m[0] * m[1];
    totals[x] += (2 * product + kC1) * (2 * (m[3] - product) + kC2) /
                 ((squares + kC1) * (m[2] - squares + kC2));
  }
}

double sum_similarities(const std::uint8_t* a,
                        const std::uint8_t* b,
                        std::size_t columns,
                        std::size_t rows,
                        const double* window) {
  const std::size_t inside = columns - 2 * kSsimRadius;
  double sum = 0;
  SsimStrip strip = {};  // beyond the last column zeros, whose sums are not used
  for (std::size_t left = 0; left < inside; left += kStrip) {
    const std::size_t width = inside - left < kStrip ? inside - left : kStrip;
    for (double& total : strip.totals) {
      total = 0;
    }
    for (std::size_t y = 0; y < rows; ++y) {
      const std::size_t at = y * columns + left;
      write_moments(a + at, b + at, width + 2 * kSsimRadius, strip.lines);
      for (std::size_t n = 0; n < kMoments; ++n) {
        filter_row(strip.lines[n], window, strip.ring[y % kSsimWindow][n]);
      }
      if (y + 1 >= kSsimWindow) {
        add_similarities(strip.ring, (y + 1) % kSsimWindow, window, strip.totals);
      }
    }
    for (std::size_t x = 0; x < width; ++x) {
      sum += strip.totals[x];
    }
  }
  return sum;
}

}  // namespace
}  // namespace marrow
