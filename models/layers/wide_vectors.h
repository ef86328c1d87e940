#pragma once

#include <cstdint>

// Vectors of N floats in the compiler's own vector types. Included only by the files that are
// compiled for one kind of processor each, so everything is local to its file and forced inline: a
// shared copy of some function, compiled for the widest, would crash the others.
#define MARROW_INLINE inline __attribute__((always_inline))
#define MARROW_INLINE_BODY __attribute__((always_inline))
#pragma GCC diagnostic ignored "-Wpsabi"  // about vectors as arguments: nothing here is ever called

namespace marrow {

namespace {

// Floats of one register: wider vectors the compiler takes apart value by value.
#if defined(__AVX512F__)
constexpr int kWidest = 16;
#elif defined(__AVX2__)
constexpr int kWidest = 8;
#else
constexpr int kWidest = 4;
#endif

template <int N>
struct Wide {
  typedef float Floats __attribute__((vector_size(N * 4)));
  typedef std::int32_t Ints __attribute__((vector_size(N * 4)));
  typedef std::uint32_t Bits __attribute__((vector_size(N * 4)));
  typedef std::uint16_t Halves __attribute__((vector_size(N * 2)));
  typedef std::int8_t Flags __attribute__((vector_size(N)));
};

template <int N>
MARROW_INLINE typename Wide<N>::Floats load(const float* from) {
  typename Wide<N>::Floats x;
  __builtin_memcpy(&x, from, sizeof(x));
  return x;
}

template <int N>
MARROW_INLINE typename Wide<N>::Floats load(const std::uint16_t* from) {
  typename Wide<N>::Halves halves;
  __builtin_memcpy(&halves, from, sizeof(halves));
  const auto bits = __builtin_convertvector(halves, typename Wide<N>::Bits) << 16;
  return __builtin_bit_cast(typename Wide<N>::Floats, bits);
}

template <int N>
MARROW_INLINE void store(typename Wide<N>::Floats x, float* to) {
  __builtin_memcpy(to, &x, sizeof(x));
}

// To the nearest bfloat16, halves to even; a NaN stays one.
template <int N>
MARROW_INLINE void store(typename Wide<N>::Floats x, std::uint16_t* to) {
  using Bits = typename Wide<N>::Bits;
  const auto bits = __builtin_bit_cast(Bits, x);
  const Bits rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  const auto number = __builtin_bit_cast(Bits, x == x);
  const auto halves =
      __builtin_convertvector((rounded & number) | (0x7FC0U & ~number), typename Wide<N>::Halves);
  __builtin_memcpy(to, &halves, sizeof(halves));
}

// The first `lanes` of N values, the others 0.
template <int N, class T>
MARROW_INLINE typename Wide<N>::Floats load_some(const T* from, int lanes) {
  T values[N] = {};
  for (int i = 0; i < lanes; ++i) {
    values[i] = from[i];
  }
  return load<N>(values);
}

template <int N, class T>
MARROW_INLINE void store_some(typename Wide<N>::Floats x, T* to, int lanes) {
  T values[N];
  store<N>(x, values);
  for (int i = 0; i < lanes; ++i) {
    to[i] = values[i];
  }
}

template <int N>
MARROW_INLINE typename Wide<N>::Floats all(float value) {
  return typename Wide<N>::Floats{} + value;
}

}  // namespace

}  // namespace marrow
