#pragma once

#include <cstdint>

namespace marrow {

// Rows of tokens: the stream that runs through a transformer (float) and a branch that is to be
// added to it. Free of torch.
struct TokenRows {
  std::int64_t rows = 0;
  std::int64_t width = 0;  // values of a row, which lie side by side
};

// T: float, or std::uint16_t for bfloat16, whose bits it is.
template <class T>
struct TokenKernel {
  // sum = x + branch, y = (sum - mean) * rstd * weight + bias with the mean and the variance (of N)
  // of each row; mean, rstd: [rows] out. Without a branch (null) nothing is added and `sum` is not
  // written.
  void (*add_norm)(const TokenRows& s,
                   const float* x,
                   const T* branch,
                   const float* weight,
                   const float* bias,
                   float eps,
                   float* sum,
                   T* y,
                   float* mean,
                   float* rstd);
  // dx = dsum + the gradient through the norm; dsum may be null. dbranch, the same as T, may be
  // null. dweight, dbias: [width], added to.
  void (*add_norm_backward)(const TokenRows& s,
                            const float* dsum,
                            const T* dy,
                            const float* sum,
                            const float* mean,
                            const float* rstd,
                            const float* weight,
                            float* dx,
                            T* dbranch,
                            float* dweight,
                            float* dbias);
};

struct TokenKernels {
  TokenKernel<float> of_float;
  TokenKernel<std::uint16_t> of_bfloat16;
};

// The widest that this processor runs.
[[nodiscard]] const TokenKernels& token_kernels();

// By processor: x86-64 as such, with AVX2 and FMA, with AVX-512.
[[nodiscard]] TokenKernels token_kernels_baseline();
[[nodiscard]] TokenKernels token_kernels_avx2();
[[nodiscard]] TokenKernels token_kernels_avx512();

}  // namespace marrow
