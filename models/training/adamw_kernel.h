#pragma once

#include <cstdint>

namespace marrow {

// What one step of AdamW is for all parameters of a group. With g the gradient times
// gradient_scale:
//
//   m += (g - m) * (1 - beta1);  v = v * beta2 + g * g * (1 - beta2)
//   p = p * decay - step_size * m / (sqrt(v) * root_scale + eps)
struct AdamWStep {
  double gradient_scale = 1;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double decay = 1;       // 1 - lr * weight decay
  double step_size = 0;   // lr / (1 - beta1^t)
  double root_scale = 1;  // 1 / sqrt(1 - beta2^t)
  double eps = 1e-8;
};

// The raw loops of AdamW over `count` values in memory. Free of torch.
template <class T>
struct AdamWKernel {
  void (*update)(const AdamWStep& step,
                 std::int64_t count,
                 const T* gradient,
                 T* parameter,
                 T* average,
                 T* square);
  // Sum of x * x, in double.
  double (*sum_of_squares)(std::int64_t count, const T* x);
};

struct AdamWKernels {
  AdamWKernel<float> of_float;
  AdamWKernel<double> of_double;
};

// The widest that this processor runs.
[[nodiscard]] const AdamWKernels& adamw_kernels();

// By processor: x86-64 as such, with AVX2 and FMA, with AVX-512.
[[nodiscard]] AdamWKernels adamw_kernels_baseline();
[[nodiscard]] AdamWKernels adamw_kernels_avx2();
[[nodiscard]] AdamWKernels adamw_kernels_avx512();

}  // namespace marrow
