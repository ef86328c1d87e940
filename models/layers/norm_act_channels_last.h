#pragma once

#include "models/layers/norm_act_vectors.h"

// The loops of norm_act over channels-last memory: a voxel's channels side by side, N of them (or
// fewer) in one vector.
namespace marrow {

namespace {

// Calls at(visible?, offset, lanes) for every voxel. `lanes` is a compile-time N wherever a whole
// vector may be read and written: where the group has N channels, and, where it has fewer but all
// of the tensor's, up to the last few voxels too (what is written beyond a voxel belongs to the
// next, which comes later).
template <int N>
struct WholeVector {
  static constexpr int kCount = N;

  constexpr operator int() const { return N; }  // NOLINT(google-explicit-constructor)
};

template <int N, class Seen, class Hidden>
MARROW_INLINE void for_voxels(const NormActShape& s,
                              std::int64_t begin,
                              std::int64_t end,
                              const Seen& seen,
                              const Hidden& hidden) {
  const auto lanes = static_cast<int>(s.channels);
  std::int64_t whole = begin;
  if (lanes == N) {
    whole = end;
  } else if (s.voxel_stride == lanes) {
    const std::int64_t last = s.voxels - (N + lanes - 1) / lanes;
    whole = end < last ? end : (last > begin ? last : begin);
  }
  for (std::int64_t v = begin; v < whole; ++v) {
    if (s.visible == nullptr || s.visible[v]) {
      seen(v * s.voxel_stride, WholeVector<N>());
    } else {
      hidden(v * s.voxel_stride, WholeVector<N>());
    }
  }
  for (std::int64_t v = whole; v < end; ++v) {
    if (s.visible == nullptr || s.visible[v]) {
      seen(v * s.voxel_stride, lanes);
    } else {
      hidden(v * s.voxel_stride, lanes);
    }
  }
}

template <int N, class T>
MARROW_INLINE typename Wide<N>::Floats load_lanes(const T* from, WholeVector<N>) {
  return load<N>(from);
}

template <int N, class T>
MARROW_INLINE typename Wide<N>::Floats load_lanes(const T* from, int lanes) {
  return load_some<N>(from, lanes);
}

template <int N, class T>
MARROW_INLINE void store_lanes(typename Wide<N>::Floats x, T* to, WholeVector<N>) {
  store<N>(x, to);
}

template <int N, class T>
MARROW_INLINE void store_lanes(typename Wide<N>::Floats x, T* to, int lanes) {
  store_some<N>(x, to, lanes);
}

template <int N>
MARROW_INLINE void add_to(double* sum, typename Wide<N>::Floats part, std::int64_t channels) {
  for (int c = 0; c < channels; ++c) {
    sum[c] += static_cast<double>(part[c]);
  }
}

// Sums of x, or with kSquared of (x - centre)^2.
template <int N, bool kSquared, class T>
MARROW_INLINE void last_sums(const NormActShape& s, const T* x, const float* centre, double* sum) {
  const auto lanes = static_cast<int>(s.channels);
  const auto middle = kSquared ? load_some<N>(centre, lanes) : all<N>(0.0F);
  for (int c = 0; c < lanes; ++c) {
    sum[c] = 0;
  }
  for (std::int64_t start = 0; start < s.voxels; start += kChunk) {
    const std::int64_t end = start + kChunk < s.voxels ? start + kChunk : s.voxels;
    auto part = all<N>(0.0F);
    for_voxels<N>(
        s,
        start,
        end,
        [&](std::int64_t at, auto width) MARROW_INLINE_BODY {
          const auto value = load_lanes<N>(x + at, width) - middle;
          part += kSquared ? value * value : value;
        },
        [](std::int64_t, auto) MARROW_INLINE_BODY {});
    add_to<N>(sum, part, lanes);
  }
}

template <int N, bool kResidual, class T>
MARROW_INLINE void last_apply(const NormActShape& s,
                              const T* x,
                              const float* scale,
                              const float* shift,
                              const T* residual,
                              T* y) {
  const auto lanes = static_cast<int>(s.channels);
  const auto scales = load_some<N>(scale, lanes);
  const auto shifts = load_some<N>(shift, lanes);
  for_voxels<N>(
      s,
      0,
      s.voxels,
      [&](std::int64_t at, auto width) MARROW_INLINE_BODY {
        auto value = load_lanes<N>(x + at, width) * scales + shifts;
        if constexpr (kResidual) {
          value += load_lanes<N>(residual + at, width);
        }
        store_lanes<N>(activated<N>(value, s), y + at, width);
      },
      [&](std::int64_t at, auto width)
          MARROW_INLINE_BODY { store_lanes<N>(all<N>(0.0F), y + at, width); });
}

template <int N, class T>
MARROW_INLINE void last_backward_sums(const NormActShape& s,
                                      const T* dy,
                                      const T* x,
                                      const T* y,
                                      const float* mean,
                                      const float* rstd,
                                      double* sum,
                                      double* dot) {
  const auto lanes = static_cast<int>(s.channels);
  const auto middle = load_some<N>(mean, lanes);
  const auto inverse = load_some<N>(rstd, lanes);
  for (int c = 0; c < lanes; ++c) {
    sum[c] = 0;
    dot[c] = 0;
  }
  for (std::int64_t start = 0; start < s.voxels; start += kChunk) {
    const std::int64_t end = start + kChunk < s.voxels ? start + kChunk : s.voxels;
    auto part = all<N>(0.0F);
    auto part_dot = all<N>(0.0F);
    for_voxels<N>(
        s,
        start,
        end,
        [&](std::int64_t at, auto width) MARROW_INLINE_BODY {
          const auto d =
              gradient_through<N>(load_lanes<N>(dy + at, width), load_lanes<N>(y + at, width), s);
          part += d;
          part_dot += d * ((load_lanes<N>(x + at, width) - middle) * inverse);
        },
        [](std::int64_t, auto) MARROW_INLINE_BODY {});
    add_to<N>(sum, part, lanes);
    add_to<N>(dot, part_dot, lanes);
  }
}

template <int N, bool kResidual, class T>
MARROW_INLINE void last_backward_apply(const NormActShape& s,
                                       const T* dy,
                                       const T* x,
                                       const T* y,
                                       const float* a,
                                       const float* b,
                                       const float* k,
                                       T* dx,
                                       T* dresidual) {
  const auto lanes = static_cast<int>(s.channels);
  const auto as = load_some<N>(a, lanes);
  const auto bs = load_some<N>(b, lanes);
  const auto ks = load_some<N>(k, lanes);
  for_voxels<N>(
      s,
      0,
      s.voxels,
      [&](std::int64_t at, auto width) MARROW_INLINE_BODY {
        const auto d =
            gradient_through<N>(load_lanes<N>(dy + at, width), load_lanes<N>(y + at, width), s);
        store_lanes<N>(as * d + bs * load_lanes<N>(x + at, width) + ks, dx + at, width);
        if constexpr (kResidual) {
          store_lanes<N>(d, dresidual + at, width);
        }
      },
      [&](std::int64_t at, auto width) MARROW_INLINE_BODY {
        store_lanes<N>(all<N>(0.0F), dx + at, width);
        if constexpr (kResidual) {
          store_lanes<N>(all<N>(0.0F), dresidual + at, width);
        }
      });
}

}  // namespace

}  // namespace marrow
