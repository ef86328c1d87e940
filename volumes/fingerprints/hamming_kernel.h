#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace marrow {

// Places from `begin` up to before `end`.
struct HammingRange {
  std::uint32_t begin;
  std::uint32_t end;
};

struct HammingPlaces {
  std::uint32_t one;
  std::uint32_t other;
};

// Comparing many hashes with one or with many, compiled for several kinds of processor.
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

  // Writes each pair of places, one of `some` and one of one of the `others`, whose values differ
  // in at most `radius` >= 0 bits, in no particular order, and returns how many there are. `found`
  // has room for all pairs.
  std::size_t (*pairs32)(const std::uint32_t* values,
                         HammingRange some,
                         std::span<const HammingRange> others,
                         int radius,
                         HammingPlaces* found);
  std::size_t (*pairs64)(const std::uint64_t* values,
                         HammingRange some,
                         std::span<const HammingRange> others,
                         int radius,
                         HammingPlaces* found);

  // How many bits of two hashes of `width` words differ, of all or of those that are set in `bits`.
  int (*distance)(const std::uint64_t* a, const std::uint64_t* b, std::size_t width);
  int (*distance_of_bits)(const std::uint64_t* a,
                          const std::uint64_t* b,
                          const std::uint64_t* bits,
                          std::size_t width);
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
