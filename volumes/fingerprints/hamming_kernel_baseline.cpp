#include "volumes/fingerprints/hamming_kernel.h"

// As in lanczos_loop.h: nothing here may be a function that another file has, too.
namespace marrow {
namespace {

// This processor may lack an instruction that counts bits; sums of ever wider fields do it, and the
// compiler makes vectors of them.
std::uint64_t bits_of(std::uint64_t word) {
  word -= (word >> 1U) & 0x5555555555555555U;
  word = (word & 0x3333333333333333U) + ((word >> 2U) & 0x3333333333333333U);
  word = (word + (word >> 4U)) & 0x0f0f0f0f0f0f0f0fU;
  word += word >> 8U;
  word += word >> 16U;
  word += word >> 32U;
  return word & 127U;
}

template <class Value>
std::size_t match(
    const Value* values, std::size_t count, Value query, int radius, std::uint32_t* found) {
  constexpr std::size_t kGroup = 64;
  std::uint64_t distances[kGroup];
  std::size_t matches = 0;
  for (std::size_t first = 0; first < count; first += kGroup) {
    const std::size_t many = count - first < kGroup ? count - first : kGroup;
    for (std::size_t n = 0; n < many; ++n) {
      distances[n] = bits_of(values[first + n] ^ query);
    }
    for (std::size_t n = 0; n < many; ++n) {
      found[matches] = static_cast<std::uint32_t>(first + n);
      matches += distances[n] <= static_cast<std::uint64_t>(radius) ? 1U : 0U;
    }
  }
  return matches;
}

int distance_of_bits(const std::uint64_t* a,
                     const std::uint64_t* b,
                     const std::uint64_t* bits,
                     std::size_t width) {
  std::uint64_t sum = 0;
  for (std::size_t n = 0; n < width; ++n) {
    sum += bits_of((a[n] ^ b[n]) & bits[n]);
  }
  return static_cast<int>(sum);
}

int distance(const std::uint64_t* a, const std::uint64_t* b, std::size_t width) {
  std::uint64_t sum = 0;
  for (std::size_t n = 0; n < width; ++n) {
    sum += bits_of(a[n] ^ b[n]);
  }
  return static_cast<int>(sum);
}

template <class Value>
std::size_t pairs(const Value* values,
                  HammingRange some,
                  std::span<const HammingRange> others,
                  int radius,
                  HammingPlaces* found) {
  std::size_t matches = 0;
  for (const HammingRange& range : others) {
    for (std::uint32_t other = range.begin; other < range.end; ++other) {
      for (std::uint32_t one = some.begin; one < some.end; ++one) {
        found[matches] = {one, other};
        matches += bits_of(values[one] ^ values[other]) <= static_cast<std::uint64_t>(radius);
      }
    }
  }
  return matches;
}

}  // namespace

HammingKernel hamming_kernel_baseline() {
  return {"baseline",
          match<std::uint32_t>,
          match<std::uint64_t>,
          pairs<std::uint32_t>,
          pairs<std::uint64_t>,
          distance,
          distance_of_bits};
}

}  // namespace marrow
