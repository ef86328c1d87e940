#pragma once

#include <cmath>

#include "models/layers/token_kernel.h"
#include "models/layers/wide_vectors.h"

// The kernel's functions, compiled for the processor of the including file.
namespace marrow {

namespace {

using TokenFloats = Wide<kWidest>::Floats;

// Calls body(offset, whole?) for every vector of a row; the last may hold fewer values.
template <class Whole, class Rest>
MARROW_INLINE void for_vectors(std::int64_t count, const Whole& whole, const Rest& rest) {
  std::int64_t at = 0;
  for (; at + kWidest <= count; at += kWidest) {
    whole(at);
  }
  if (at < count) {
    rest(at, static_cast<int>(count - at));
  }
}

MARROW_INLINE float sum_of(TokenFloats x) {
  float sum = 0;
  for (int i = 0; i < kWidest; ++i) {
    sum += x[i];
  }
  return sum;
}

// Two functions that differ only in how vectors are read and written: whole ones, or some lanes.
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

// Calls body(offset, lanes) over a row.
template <class Body>
MARROW_INLINE void over_row(std::int64_t width, const Body& body) {
  for_vectors(
      width,
      [&](std::int64_t at) MARROW_INLINE_BODY { body(at, WholeLanes()); },
      [&](std::int64_t at, int lanes) MARROW_INLINE_BODY { body(at, SomeLanes{lanes}); });
}

// exp(-u) for u >= 0, 0 from 87 on, within 2 units in the last place: 2^n times a polynomial in the
// rest.
MARROW_INLINE TokenFloats exp_of_minus(TokenFloats u) {
  using Ints = Wide<kWidest>::Ints;
  constexpr float kLog2e = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;  // its product with n is exact
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to a whole number
  const TokenFloats x = -(u < 87.0F ? u : all<kWidest>(87.0F));
  const TokenFloats shifted = x * kLog2e + kRound;
  const TokenFloats n = shifted - kRound;
  const TokenFloats r = x - n * kLn2High - n * kLn2Low;
  // Taylor's series; |r| <= ln 2 / 2.
  TokenFloats p = r * (1.0F / 720.0F) + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const Ints exponent =
      (__builtin_bit_cast(Ints, shifted) - __builtin_bit_cast(std::int32_t, kRound)) << 23;
  const TokenFloats scaled =
      __builtin_bit_cast(TokenFloats, __builtin_bit_cast(Ints, p) + exponent);
  return u < 87.0F ? scaled : all<kWidest>(0.0F);
}

struct NormalShares {
  TokenFloats below;    // share of the standard normal below x
  TokenFloats density;  // at x
};

// Source: Abramowitz & Stegun, formula 7.1.26, whose exponential is also the density's.
MARROW_INLINE NormalShares normal_shares(TokenFloats x) {
  constexpr float kSqrtHalf = 0.70710678F;
  constexpr float kInverseSqrt2Pi = 0.39894228F;
  const TokenFloats z = (x < 0.0F ? -x : x) * kSqrtHalf;
  const TokenFloats exponential = exp_of_minus(z * z);
  const TokenFloats t = 1.0F / (1.0F + 0.3275911F * z);
  TokenFloats p = t * 1.061405429F - 1.453152027F;
  p = p * t + 1.421413741F;
  p = p * t - 0.284496736F;
  p = p * t + 0.254829592F;
  const TokenFloats tail = 0.5F * p * t * exponential;  // share beyond |x|
  return {x < 0.0F ? tail : 1.0F - tail, kInverseSqrt2Pi * exponential};
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

  static void gelu(std::int64_t count, const T* x, T* y) {
    over_row(count, [&](std::int64_t at, auto lanes) MARROW_INLINE_BODY {
      const TokenFloats value = lanes.read(x + at);
      lanes.write(value * normal_shares(value).below, y + at);
    });
  }

  static void gelu_backward(std::int64_t count, const T* dy, const T* x, T* dx) {
    over_row(count, [&](std::int64_t at, auto lanes) MARROW_INLINE_BODY {
      const TokenFloats value = lanes.read(x + at);
      const NormalShares shares = normal_shares(value);
      lanes.write(lanes.read(dy + at) * (shares.below + value * shares.density), dx + at);
    });
  }

  static constexpr TokenKernel<T> table() {
    return {add_norm, add_norm_backward, gelu, gelu_backward};
  }
};

}  // namespace

}  // namespace marrow
