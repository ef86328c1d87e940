#pragma once

#include <cmath>

#include "models/layers/token_kernel.h"
#include "models/layers/wide_vectors.h"

// The kernel's functions, compiled for the processor of the including file.
namespace marrow {

namespace {

using TokenFloats = Wide<kWidest>::Floats;

MARROW_INLINE float sum_of(TokenFloats x) {
  float sum = 0;
  for (int i = 0; i < kWidest; ++i) {
    sum += x[i];
  }
  return sum;
}

// How the vectors of a row are read and written: whole ones, and at its end perhaps some lanes.
struct WholeLanes {
  template <class T>
  MARROW_INLINE static TokenFloats read(const T* from) {
    return load<kWidest>(from);
  }

  template <class T>
  MARROW_INLINE static void write(TokenFloats x, T* to) {
    store<kWidest>(x, to);
  }

  // x, 0 in lanes that do not exist.
  MARROW_INLINE static TokenFloats existing(TokenFloats x) { return x; }
};

struct SomeLanes {
  int lanes;

  template <class T>
  MARROW_INLINE TokenFloats read(const T* from) const {
    return load_some<kWidest>(from, lanes);
  }

  template <class T>
  MARROW_INLINE void write(TokenFloats x, T* to) const {
    store_some<kWidest>(x, to, lanes);
  }

  MARROW_INLINE TokenFloats existing(TokenFloats x) const {
    for (int i = lanes; i < kWidest; ++i) {
      x[i] = 0;
    }
    return x;
  }
};

// Calls body(offset, lanes) for every vector of a row.
template <class Body>
MARROW_INLINE void over_row(std::int64_t width, const Body& body) {
  std::int64_t at = 0;
  for (; at + kWidest <= width; at += kWidest) {
    body(at, WholeLanes());
  }
  if (at < width) {
    body(at, SomeLanes{static_cast<int>(width - at)});
  }
}

template <class T>
struct TokenLoops {
  static void add_norm(const TokenRows& s,
                       const float* x,
                       const T* branch,
                       const float* weight,
                       const float* bias,
                       float eps,
                       float* sum,
                       T* y,
                       float* mean,
                       float* rstd) {
    const auto width = static_cast<float>(s.width);
    for (std::int64_t row = 0; row < s.rows; ++row) {
      const std::int64_t start = row * s.width;
      const float* values = x + start;
      TokenFloats total = all<kWidest>(0.0F);
      if (branch != nullptr) {
        float* const to = sum + start;
        over_row(s.width, [&](std::int64_t at, auto lanes) MARROW_INLINE_BODY {
          const TokenFloats added = lanes.read(values + at) + lanes.read(branch + start + at);
          lanes.write(added, to + at);
          total += added;
        });
        values = to;
      } else {
        over_row(s.width, [&](std::int64_t at, auto lanes) MARROW_INLINE_BODY {
          total += lanes.read(values + at);
        });
      }
      const float middle = sum_of(total) / width;
      TokenFloats squares = all<kWidest>(0.0F);
      over_row(s.width, [&](std::int64_t at, auto lanes) MARROW_INLINE_BODY {
        const TokenFloats apart = lanes.existing(lanes.read(values + at) - middle);
        squares += apart * apart;
      });
      const float inverse = 1.0F / std::sqrt(sum_of(squares) / width + eps);
      over_row(s.width, [&](std::int64_t at, auto lanes) MARROW_INLINE_BODY {
        const TokenFloats normed = (lanes.read(values + at) - middle) * inverse;
        lanes.write(normed * lanes.read(weight + at) + lanes.read(bias + at), y + start + at);
      });
      mean[row] = middle;
      rstd[row] = inverse;
    }
  }

  static void add_norm_backward(const TokenRows& s,
                                const float* dsum,
                                const T* dy,
                                const float* sum,
                                const float* mean,
                                const float* rstd,
                                const float* weight,
                                float* dx,
                                T* dbranch,
                                float* dweight,
                                float* dbias) {
    const auto width = static_cast<float>(s.width);
    for (std::int64_t row = 0; row < s.rows; ++row) {
      const std::int64_t start = row * s.width;
      const float middle = mean[row];
      const float inverse = rstd[row];
      TokenFloats total = all<kWidest>(0.0F);
      TokenFloats dot = all<kWidest>(0.0F);
      over_row(s.width, [&](std::int64_t at, auto lanes) MARROW_INLINE_BODY {
        const TokenFloats d = lanes.read(dy + start + at);
        const TokenFloats normed = (lanes.read(sum + start + at) - middle) * inverse;
        const TokenFloats through = d * lanes.read(weight + at);
        total += through;
        dot += through * normed;  // 0 in lanes that do not exist, as `through` is
        lanes.write(lanes.read(dweight + at) + d * normed, dweight + at);
        lanes.write(lanes.read(dbias + at) + d, dbias + at);
      });
      const float mean_through = sum_of(total) / width;
      const float mean_dot = sum_of(dot) / width;
      over_row(s.width, [&](std::int64_t at, auto lanes) MARROW_INLINE_BODY {
        const TokenFloats normed = (lanes.read(sum + start + at) - middle) * inverse;
        const TokenFloats through = lanes.read(dy + start + at) * lanes.read(weight + at);
        TokenFloats d = (through - mean_through - normed * mean_dot) * inverse;
        if (dsum != nullptr) {
          d += lanes.read(dsum + start + at);
        }
        lanes.write(d, dx + start + at);
        if (dbranch != nullptr) {
          lanes.write(d, dbranch + start + at);
        }
      });
    }
  }

  static constexpr TokenKernel<T> table() { return {add_norm, add_norm_backward}; }
};

}  // namespace

}  // namespace marrow
