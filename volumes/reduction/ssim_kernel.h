#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace marrow {

// Half of the window of structural_similarity(), and the whole.
constexpr std::size_t kSsimRadius = 5;
constexpr std::size_t kSsimWindow = 2 * kSsimRadius + 1;

// Structural similarity summed over the places whose window lies inside, compiled for several kinds
// of processor. Two pictures of columns x rows pixels, at least kSsimWindow a side; `window` is one
// half of it, from its edge on, with the middle.
struct SsimKernel {
  const char* name;
  double (*sum)(const std::uint8_t* a,
                const std::uint8_t* b,
                std::size_t columns,
                std::size_t rows,
                const double* window);
};

// The kernels that this processor runs, the best one first.
[[nodiscard]] std::span<const SsimKernel> ssim_kernels();

// Only for ssim_kernels(): they must run on processors of that kind only.
[[nodiscard]] SsimKernel ssim_kernel_baseline();
[[nodiscard]] SsimKernel ssim_kernel_avx2();
[[nodiscard]] SsimKernel ssim_kernel_avx512();

}  // namespace marrow
