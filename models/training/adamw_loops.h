#pragma once

#include <cstdint>

#include "models/training/adamw_kernel.h"

// The kernel's functions, compiled for the processor of the including file. Everything is local to
// that file: a shared copy, compiled for the widest, would crash the others.
namespace marrow {

namespace {

template <class T>
void adamw_update(const AdamWStep& step,
                  std::int64_t count,
                  const T* __restrict gradient,
                  T* __restrict parameter,
                  T* __restrict average,
                  T* __restrict square) {
  const T scale = static_cast<T>(step.gradient_scale);
  const T rest1 = static_cast<T>(1 - step.beta1);
  const T beta2 = static_cast<T>(step.beta2);
  const T rest2 = static_cast<T>(1 - step.beta2);
  const T decay = static_cast<T>(step.decay);
  const T step_size = static_cast<T>(step.step_size);
  const T root_scale = static_cast<T>(step.root_scale);
  const T eps = static_cast<T>(step.eps);
  for (std::int64_t i = 0; i < count; ++i) {
    const T g = gradient[i] * scale;
    const T m = average[i] + (g - average[i]) * rest1;
    const T v = square[i] * beta2 + g * g * rest2;
    T root;
    if constexpr (sizeof(T) == 4) {
      root = __builtin_sqrtf(v);
    } else {
      root = __builtin_sqrt(v);
    }
    average[i] = m;
    square[i] = v;
    parameter[i] = parameter[i] * decay - step_size * (m / (root * root_scale + eps));
  }
}

template <class T>
double adamw_sum_of_squares(std::int64_t count, const T* x) {
  // Several sums side by side, so that no addition waits for the one before it.
  constexpr int kLanes = 32;
  double lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const double value = static_cast<double>(x[i + lane]);
      lanes[lane] += value * value;
    }
  }
  for (; i < count; ++i) {
    const double value = static_cast<double>(x[i]);
    lanes[0] += value * value;
  }
  double sum = 0;
  for (const double lane : lanes) {
    sum += lane;
  }
  return sum;
}

template <class T>
AdamWKernel<T> adamw_loops() {
  return {adamw_update<T>, adamw_sum_of_squares<T>};
}

}  // namespace

}  // namespace marrow
