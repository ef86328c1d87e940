#pragma once

#include <algorithm>

#include "models/layers/depthwise_kernel.h"
#include "models/layers/wide_vectors.h"

// The kernel's functions, compiled for the processor of the including file.
namespace marrow {

namespace {

// One row of N channels: taps first_tap ... first_tap + kTaps - 1 of the row of the kernel.
// kWhole: all N lanes exist. Sums in float over the row, then in double.
template <int N, int kTaps, bool kWhole, class T>
MARROW_INLINE void depthwise_row(const DepthwiseShape& s,
                                 std::int64_t first_tap,
                                 int lanes,
                                 const T* x,
                                 const T* dy,
                                 double* sums) {
  const auto read = [&](const T* from) MARROW_INLINE_BODY {
    if constexpr (kWhole) {
      return load<N>(from);
    } else {
      return load_some<N>(from, lanes);
    }
  };
  typename Wide<N>::Floats sum[kTaps] = {};
  const std::int64_t shift = first_tap - s.kernel / 2;  // of the first tap against the voxel
  const std::int64_t begin = std::clamp<std::int64_t>(-shift, 0, s.width);
  const std::int64_t end = std::clamp<std::int64_t>(s.width - shift - kTaps + 1, begin, s.width);
  const auto border = [&](std::int64_t from, std::int64_t to) MARROW_INLINE_BODY {
    for (std::int64_t w = from; w < to; ++w) {
      const auto g = read(dy + w * s.channels);
      for (int t = 0; t < kTaps; ++t) {
        const std::int64_t at = w + shift + t;
        if (at >= 0 && at < s.width) {
          sum[t] += g * read(x + at * s.channels);
        }
      }
    }
  };
  border(0, begin);
  for (std::int64_t w = begin; w < end; ++w) {
    const auto g = read(dy + w * s.channels);
    const T* at = x + (w + shift) * s.channels;
    for (int t = 0; t < kTaps; ++t) {
      sum[t] += g * read(at + t * s.channels);
    }
  }
  border(end, s.width);
  for (int t = 0; t < kTaps; ++t) {
    float values[N];
    store<N>(sum[t], values);
    double* total = sums + (first_tap + t) * kDepthwiseLanes;
    for (int i = 0; i < N; ++i) {
      total[i] += values[i];
    }
  }
}

template <int N, int kTaps, bool kWhole, class T>
MARROW_INLINE void depthwise_block(const DepthwiseShape& s,
                                   std::int64_t tap_depth,
                                   int lanes,
                                   const T* x,
                                   const T* dy,
                                   double* sums) {
  const std::int64_t row = s.width * s.channels;
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t d = 0; d < s.depth; ++d) {
      const std::int64_t x_d = d + tap_depth - s.kernel_depth / 2;
      if (x_d < 0 || x_d >= s.depth) {
        continue;
      }
      for (std::int64_t h = 0; h < s.height; ++h) {
        const T* dy_row = dy + ((b * s.depth + d) * s.height + h) * row;
        for (std::int64_t tap = 0; tap < s.kernel; ++tap) {
          const std::int64_t x_h = h + tap - s.kernel / 2;
          if (x_h < 0 || x_h >= s.height) {
            continue;
          }
          const T* x_row = x + ((b * s.depth + x_d) * s.height + x_h) * row;
          double* row_sums = sums + tap * s.kernel * kDepthwiseLanes;
          for (std::int64_t first = 0; first < s.kernel; first += kTaps) {
            depthwise_row<N, kTaps, kWhole>(s, first, lanes, x_row, dy_row, row_sums);
          }
        }
      }
    }
  }
}

template <class T>
struct DepthwiseLoops {
  static void weight_gradient(
      const DepthwiseShape& s, std::int64_t tap_depth, const T* x, const T* dy, double* sums) {
    for (std::int64_t c = 0; c < s.lanes; c += kWidest) {
      const int lanes = static_cast<int>(std::min<std::int64_t>(kWidest, s.lanes - c));
      if (lanes < kWidest) {
        depthwise_block<kWidest, 1, false>(s, tap_depth, lanes, x + c, dy + c, sums + c);
      } else if (s.kernel == 3) {
        depthwise_block<kWidest, 3, true>(s, tap_depth, lanes, x + c, dy + c, sums + c);
      } else if (s.kernel == 5) {
        depthwise_block<kWidest, 5, true>(s, tap_depth, lanes, x + c, dy + c, sums + c);
      } else if (s.kernel == 7) {
        depthwise_block<kWidest, 7, true>(s, tap_depth, lanes, x + c, dy + c, sums + c);
      } else {
        depthwise_block<kWidest, 1, true>(s, tap_depth, lanes, x + c, dy + c, sums + c);
      }
    }
  }

  static DepthwiseKernel<T> table() { return {weight_gradient}; }
};

}  // namespace

}  // namespace marrow
