#pragma once

#include "models/layers/norm_act_channels_last.h"
#include "models/layers/norm_act_contiguous.h"

// The kernel's functions, compiled for the processor of the including file: which loop, how wide.
namespace marrow {

namespace {

template <int N>
struct Lanes {
  static constexpr int kCount = N;
};

// Calls body(shape of a block, first channel, Lanes<N>) for blocks of channels that fit a vector:
// channels-last only.
template <class Body>
MARROW_INLINE void for_blocks(const NormActShape& s, const Body& body) {
  for (std::int64_t first = 0; first < s.channels; first += kWidest) {
    NormActShape block = s;
    block.channels = s.channels - first < kWidest ? s.channels - first : kWidest;
    if (block.channels <= kWidest / 2) {
      body(block, first, Lanes<kWidest / 2>());
    } else {
      body(block, first, Lanes<kWidest>());
    }
  }
}

template <bool kFirst, bool kSecond>
struct Flags {
  static constexpr bool kA = kFirst;
  static constexpr bool kB = kSecond;
};

// Calls body(Flags<a, b>).
template <class Body>
MARROW_INLINE void with_flags(bool a, bool b, const Body& body) {
  if (a) {
    b ? body(Flags<true, true>()) : body(Flags<true, false>());
  } else {
    b ? body(Flags<false, true>()) : body(Flags<false, false>());
  }
}

// Moves a pointer that may be null.
template <class T>
MARROW_INLINE T* moved(T* start, std::int64_t by) {
  return start == nullptr ? nullptr : start + by;
}

template <class T>
struct NormActLoops {
  static void sums(const NormActShape& s, const T* x, const float* centre, double* sum) {
    with_flags(centre != nullptr, s.visible != nullptr, [&](auto flags) MARROW_INLINE_BODY {
      if (s.channel_stride == 1) {
        for_blocks(s, [&](const auto& block, std::int64_t c, auto lanes) MARROW_INLINE_BODY {
          last_sums<lanes.kCount, flags.kA>(block, x + c, moved(centre, c), sum + c);
        });
        return;
      }
      for (std::int64_t c = 0; c < s.channels; ++c) {
        sum[c] =
            row_sum<flags.kA, flags.kB>(s, x + c * s.channel_stride, flags.kA ? centre[c] : 0.0F);
      }
    });
  }

  static void apply(const NormActShape& s,
                    const T* x,
                    const float* scale,
                    const float* shift,
                    const T* residual,
                    T* y) {
    with_flags(residual != nullptr, s.visible != nullptr, [&](auto flags) MARROW_INLINE_BODY {
      if (s.channel_stride == 1) {
        for_blocks(s, [&](const auto& block, std::int64_t c, auto lanes) MARROW_INLINE_BODY {
          last_apply<lanes.kCount, flags.kA>(
              block, x + c, scale + c, shift + c, moved(residual, c), y + c);
        });
        return;
      }
      for (std::int64_t c = 0; c < s.channels; ++c) {
        const std::int64_t at = c * s.channel_stride;
        row_apply<flags.kA, flags.kB>(s, x + at, scale[c], shift[c], moved(residual, at), y + at);
      }
    });
  }

  static void backward_sums(const NormActShape& s,
                            const T* dy,
                            const T* x,
                            const T* y,
                            const float* mean,
                            const float* rstd,
                            double* sum,
                            double* dot) {
    with_flags(s.visible != nullptr, false, [&](auto flags) MARROW_INLINE_BODY {
      if (s.channel_stride == 1) {
        for_blocks(s, [&](const auto& block, std::int64_t c, auto lanes) MARROW_INLINE_BODY {
          last_backward_sums<lanes.kCount>(
              block, dy + c, x + c, y + c, mean + c, rstd + c, sum + c, dot + c);
        });
        return;
      }
      for (std::int64_t c = 0; c < s.channels; ++c) {
        const std::int64_t at = c * s.channel_stride;
        row_backward_sums<flags.kA>(s, dy + at, x + at, y + at, mean[c], rstd[c], sum + c, dot + c);
      }
    });
  }

  static void backward_apply(const NormActShape& s,
                             const T* dy,
                             const T* x,
                             const T* y,
                             const float* a,
                             const float* b,
                             const float* k,
                             T* dx,
                             T* dresidual) {
    with_flags(dresidual != nullptr, s.visible != nullptr, [&](auto flags) MARROW_INLINE_BODY {
      if (s.channel_stride == 1) {
        for_blocks(s, [&](const auto& block, std::int64_t c, auto lanes) MARROW_INLINE_BODY {
          last_backward_apply<lanes.kCount, flags.kA>(
              block, dy + c, x + c, y + c, a + c, b + c, k + c, dx + c, moved(dresidual, c));
        });
        return;
      }
      for (std::int64_t c = 0; c < s.channels; ++c) {
        const std::int64_t at = c * s.channel_stride;
        row_backward_apply<flags.kA, flags.kB>(
            s, dy + at, x + at, y + at, a[c], b[c], k[c], dx + at, moved(dresidual, at));
      }
    });
  }

  static constexpr NormActKernel<T> table() { return {sums, apply, backward_sums, backward_apply}; }
};

}  // namespace

}  // namespace marrow
