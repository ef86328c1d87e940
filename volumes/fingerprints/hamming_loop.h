#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "volumes/fingerprints/hamming_kernel.h"

// What the kernels with vectors have in common, compiled for each of their processors anew: as in
// lanczos_loop.h, it must not be shared between them.
namespace marrow {
namespace {

// Writes first + n to `found` for each bit n that is set, and returns how many are.
inline std::size_t append_matches(std::uint64_t mask, std::size_t first, std::uint32_t* found) {
  std::size_t matches = 0;
  for (; mask != 0; mask &= mask - 1) {
    found[matches++] =
        static_cast<std::uint32_t>(first + static_cast<std::size_t>(__builtin_ctzll(mask)));
  }
  return matches;
}

// One vector of values, or two, stay in registers while all others pass, four at a time: few of
// them match, so that only the least distance of four is looked at.
template <class Lanes, std::size_t kVectors>
std::size_t match_vectors(const typename Lanes::Value* values,
                          HammingRange some,
                          std::span<const HammingRange> others,
                          typename Lanes::Vector limit,
                          HammingPlaces* found) {
  const std::size_t count = some.end - some.begin;
  typename Lanes::Vector kept[kVectors];
  for (std::size_t n = 0; n < kVectors; ++n) {
    const std::size_t left = count - n * Lanes::kLanes;
    kept[n] = Lanes::load(values + some.begin + n * Lanes::kLanes,
                          left < Lanes::kLanes ? left : Lanes::kLanes);
  }
  const auto there = static_cast<std::uint32_t>(~std::uint64_t{0} >> (64 - count));
  const auto least_of = [&](std::uint32_t other) {
    auto least = Lanes::distances(kept[0], values[other]);
    for (std::size_t n = 1; n < kVectors; ++n) {
      least = Lanes::least(least, Lanes::distances(kept[n], values[other]));
    }
    return least;
  };
  std::size_t matches = 0;
  for (const HammingRange& range : others) {
    const std::uint32_t last = range.end - 1;
    for (std::uint32_t other = range.begin; other < range.end; other += 4) {
      const auto at = [&](std::uint32_t n) { return other + n < last ? other + n : last; };
      const auto least = Lanes::least(Lanes::least(least_of(other), least_of(at(1))),
                                      Lanes::least(least_of(at(2)), least_of(at(3))));
      if (Lanes::near(least, limit) == 0) {
        continue;
      }
      for (std::uint32_t n = other; n < range.end && n < other + 4; ++n) {
        std::uint32_t near = 0;
        for (std::size_t vector = 0; vector < kVectors; ++vector) {
          near |= Lanes::near(Lanes::distances(kept[vector], values[n]), limit)
                  << (vector * Lanes::kLanes);
        }
        for (near &= there; near != 0; near &= near - 1) {
          found[matches++] = {some.begin + static_cast<std::uint32_t>(__builtin_ctz(near)), n};
        }
      }
    }
  }
  return matches;
}

// HammingKernel::pairs32 and pairs64. Lanes load(values, how many) and leave zeros in the rest of
// their kLanes; near() is a bit for each lane.
template <class Lanes>
std::size_t match_lanes(const typename Lanes::Value* values,
                        HammingRange some,
                        std::span<const HammingRange> others,
                        int radius,
                        HammingPlaces* found) {
  const auto limit = Lanes::limit(radius);
  std::size_t matches = 0;
  for (std::uint32_t end = some.begin; end < some.end; some.begin = end) {
    const std::uint32_t left = some.end - some.begin;
    if (left <= Lanes::kLanes) {
      return matches + match_vectors<Lanes, 1>(values, some, others, limit, found + matches);
    }
    end = left < 2 * Lanes::kLanes ? some.end : some.begin + 2 * Lanes::kLanes;
    matches += match_vectors<Lanes, 2>(values, {some.begin, end}, others, limit, found + matches);
  }
  return matches;
}

inline int hamming_words(const std::uint64_t* a, const std::uint64_t* b, std::size_t width) {
  int sum = 0;
  for (std::size_t n = 0; n < width; ++n) {
    sum += __builtin_popcountll(a[n] ^ b[n]);
  }
  return sum;
}

inline int hamming_words_of_bits(const std::uint64_t* a,
                                 const std::uint64_t* b,
                                 const std::uint64_t* bits,
                                 std::size_t width) {
  int sum = 0;
  for (std::size_t n = 0; n < width; ++n) {
    sum += __builtin_popcountll((a[n] ^ b[n]) & bits[n]);
  }
  return sum;
}

}  // namespace
}  // namespace marrow
