#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace marrow {

// Comparing many hashes with one, compiled for several kinds of processor.
struct HammingKernel {
  const char* name;

  // Writes the places n, ascending, where `query` and values[n] differ in at most `radius` >= 0
  // bits, and returns how many there are. `found` has room for `count` places.
  std::size_t (*match32)(const std::uint32_t* values,
                         std::size_t count,
                         std::uint32_t query,
                         int radius,
                         std::uint32_t* found);
  std::size_t (*match64)(const std::uint64_t* values,
                         std::size_t count,
                         std::uint64_t query,
                         int radius,
                         std::uint32_t* found);

  // How many bits of two hashes of `width` words differ.
  int (*distance)(const std::uint64_t* a, const std::uint64_t* b, std::size_t width);
};

// The kernels that this processor runs, the best one first, and that one.
[[nodiscard]] std::span<const HammingKernel> hamming_kernels();

[[nodiscard]] inline const HammingKernel& hamming_kernel() {
  return hamming_kernels().front();
}

// Only for hamming_kernels(): they must run on processors of that kind only.
[[nodiscard]] HammingKernel hamming_kernel_baseline();
[[nodiscard]] HammingKernel hamming_kernel_avx2();
[[nodiscard]] HammingKernel hamming_kernel_vpopcnt();

}  // namespace marrow
