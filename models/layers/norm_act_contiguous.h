#pragma once

#include "models/layers/norm_act_vectors.h"

// The loops of norm_act over contiguous memory: one channel at a time, N of its voxels in one
// vector.
namespace marrow {

namespace {

constexpr int kRowLanes = kWidest;

using RowFloats = Wide<kRowLanes>::Floats;

// Calls at(first voxel, lanes) from begin to end, kRowLanes voxels at a time and then the rest.
template <class At>
MARROW_INLINE void for_row(std::int64_t begin, std::int64_t end, const At& at) {
  std::int64_t v = begin;
  for (; v + kRowLanes <= end; v += kRowLanes) {
    at(v, kRowLanes);
  }
  if (v < end) {
    at(v, static_cast<int>(end - v));
  }
}

template <class T>
MARROW_INLINE RowFloats row_load(const T* from, int lanes) {
  return lanes == kRowLanes ? load<kRowLanes>(from) : load_some<kRowLanes>(from, lanes);
}

template <class T>
MARROW_INLINE void row_store(RowFloats x, T* to, int lanes) {
  if (lanes == kRowLanes) {
    store<kRowLanes>(x, to);
  } else {
    store_some<kRowLanes>(x, to, lanes);
  }
}

// x where visible, 0 elsewhere and beyond the last lane.
template <bool kMasked>
MARROW_INLINE RowFloats row_seen(RowFloats x, const NormActShape& s, std::int64_t v, int lanes) {
  if constexpr (!kMasked) {
    if (lanes == kRowLanes) {
      return x;
    }
  }
  std::int8_t seen[kRowLanes] = {};
  if (kMasked && lanes == kRowLanes) {
    __builtin_memcpy(seen, s.visible + v, kRowLanes);
  } else {
    for (int lane = 0; lane < lanes; ++lane) {
      seen[lane] = !kMasked || s.visible[v + lane] ? 1 : 0;
    }
  }
  Wide<kRowLanes>::Flags flags;
  __builtin_memcpy(&flags, seen, sizeof(flags));
  return __builtin_convertvector(flags, Wide<kRowLanes>::Ints) != 0 ? x : all<kRowLanes>(0.0F);
}

MARROW_INLINE double row_total(RowFloats part) {
  double total = 0;
  for (int lane = 0; lane < kRowLanes; ++lane) {
    total += static_cast<double>(part[lane]);
  }
  return total;
}

template <bool kSquared, bool kMasked, class T>
MARROW_INLINE double row_sum(const NormActShape& s, const T* x, float centre) {
  double total = 0;
  for (std::int64_t start = 0; start < s.voxels; start += kChunk) {
    const std::int64_t end = start + kChunk < s.voxels ? start + kChunk : s.voxels;
    auto part = all<kRowLanes>(0.0F);
    for_row(start, end, [&](std::int64_t v, int lanes) MARROW_INLINE_BODY {
      const auto value = row_load(x + v, lanes) - centre;
      part += row_seen<kMasked>(kSquared ? value * value : value, s, v, lanes);
    });
    total += row_total(part);
  }
  return total;
}

template <bool kResidual, bool kMasked, class T>
MARROW_INLINE void row_apply(
    const NormActShape& s, const T* x, float scale, float shift, const T* residual, T* y) {
  for_row(0, s.voxels, [&](std::int64_t v, int lanes) MARROW_INLINE_BODY {
    auto value = row_load(x + v, lanes) * scale + shift;
    if constexpr (kResidual) {
      value += row_load(residual + v, lanes);
    }
    row_store(row_seen<kMasked>(activated<kRowLanes>(value, s), s, v, lanes), y + v, lanes);
  });
}

template <bool kMasked, class T>
MARROW_INLINE void row_backward_sums(const NormActShape& s,
                                     const T* dy,
                                     const T* x,
                                     const T* y,
                                     float mean,
                                     float rstd,
                                     double* sum,
                                     double* dot) {
  *sum = 0;
  *dot = 0;
  for (std::int64_t start = 0; start < s.voxels; start += kChunk) {
    const std::int64_t end = start + kChunk < s.voxels ? start + kChunk : s.voxels;
    auto part = all<kRowLanes>(0.0F);
    auto part_dot = all<kRowLanes>(0.0F);
    for_row(start, end, [&](std::int64_t v, int lanes) MARROW_INLINE_BODY {
      const auto d =
          gradient_through<kRowLanes>(row_load(dy + v, lanes), row_load(y + v, lanes), s);
      const auto normal = (row_load(x + v, lanes) - mean) * rstd;
      part += row_seen<kMasked>(d, s, v, lanes);
      part_dot += row_seen<kMasked>(d * normal, s, v, lanes);
    });
    *sum += row_total(part);
    *dot += row_total(part_dot);
  }
}

template <bool kResidual, bool kMasked, class T>
MARROW_INLINE void row_backward_apply(const NormActShape& s,
                                      const T* dy,
                                      const T* x,
                                      const T* y,
                                      float a,
                                      float b,
                                      float k,
                                      T* dx,
                                      T* dresidual) {
  for_row(0, s.voxels, [&](std::int64_t v, int lanes) MARROW_INLINE_BODY {
    const auto d = gradient_through<kRowLanes>(row_load(dy + v, lanes), row_load(y + v, lanes), s);
    const auto gradient = a * d + b * row_load(x + v, lanes) + k;
    row_store(row_seen<kMasked>(gradient, s, v, lanes), dx + v, lanes);
    if constexpr (kResidual) {
      row_store(row_seen<kMasked>(d, s, v, lanes), dresidual + v, lanes);
    }
  });
}

}  // namespace

}  // namespace marrow
