#include "volumes/fingerprints/hamming_chunks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace marrow {
namespace {

// Nanoseconds, roughly, of looking a key up, of comparing one shortened hash and of comparing one
// whole hash somewhere in memory.
constexpr double kLookUpCost = 10;
constexpr double kCompareCost = 0.045;
constexpr double kVerifyCost = 8;
// Of a join: of sorting a hash by its key, of each pair of lists, and of comparing a hash with a
// vector of others.
constexpr double kSortCost = 25;
constexpr double kListsCost = 7;
constexpr double kVectorCost = 0.65;
constexpr int kMostKeyBits = 22;
constexpr int kMostKeyRadius = 2;

// How many of the numbers of `bits` bits have at most `radius` of them set.
double ball(int bits, int radius) {
  double sum = 0;
  double choose = 1;
  for (int n = 0; n <= std::min(bits, radius); ++n) {
    sum += choose;
    choose = choose * (bits - n) / (n + 1);
  }
  return sum;
}

// One chunk may differ by the whole quotient, and so on: see plan_hamming_chunks.
int chunk_radius(int radius, int chunks, int chunk) {
  return radius / chunks - (chunk <= radius % chunks ? 0 : 1);
}

// For each hash.
double cost(double count, double pass, int radius, int chunks, int key_bits, HammingUse use) {
  const double words = hamming_short_prints(radius) ? 1 : 2;
  const double list = count / std::exp2(key_bits);
  const double lookup = kLookUpCost + list * (kCompareCost * words + kVerifyCost * pass);
  const double join = kListsCost / list + list * kVerifyCost * pass +
                      kVectorCost * std::max(1.0, words * (list / 16 + 0.5));
  double sum = 0;
  for (int chunk = 0; chunk < chunks; ++chunk) {
    if (const int own = chunk_radius(radius, chunks, chunk); own >= 0) {
      sum += use == HammingUse::kSearch ? ball(key_bits, own) * lookup
                                        : kSortCost + ball(key_bits, own) / 2 * join;
    }
  }
  return sum;
}

HammingChunk make_chunk(std::size_t width, int chunks, int number, int key_bits, int radius) {
  HammingChunk chunk;
  chunk.bits = key_bits;
  chunk.radius = radius;
  chunk.taken.resize(width);
  chunk.table.resize(width * 8 * 256);
  const std::size_t whole = 64 * width / static_cast<std::size_t>(chunks);
  const auto keys = static_cast<std::size_t>(key_bits);
  for (std::size_t n = 0; n < keys; ++n) {
    const std::size_t bit =
        static_cast<std::size_t>(number) + n * whole / keys * static_cast<std::size_t>(chunks);
    chunk.taken[bit / 64] |= std::uint64_t{1} << (bit % 64);
    for (std::size_t value = 0; value < 256; ++value) {
      if ((value >> (bit % 8) & 1U) != 0) {
        chunk.table[bit / 8 * 256 + value] |= std::uint32_t{1} << n;
      }
    }
  }
  for (std::uint32_t mask = 0; mask < std::uint32_t{1} << static_cast<unsigned>(key_bits); ++mask) {
    if (std::popcount(mask) <= radius) {
      chunk.masks.push_back(mask);
    }
  }
  return chunk;
}

}  // namespace

std::vector<HammingChunk> plan_hamming_chunks(std::size_t count,
                                              std::size_t width,
                                              int radius,
                                              HammingUse use) {
  const int bits = static_cast<int>(64 * width);
  const int print_bits = hamming_short_prints(radius) ? 32 : 64;
  const double pass = std::min(1.0, ball(print_bits, radius) / std::exp2(print_bits));
  // A table of keys is at most about as large as the list of hashes.
  const int useful_bits = std::min(kMostKeyBits, static_cast<int>(std::bit_width(count)));
  int chunks = 1;
  int key_bits = 0;
  double least = kLookUpCost +
                 static_cast<double>(count) * (kCompareCost * print_bits / 32 + kVerifyCost * pass);
  for (int m = 1; m <= std::min(bits, radius + 1); ++m) {
    if (radius / m > kMostKeyRadius) {
      continue;
    }
    for (int b = 4; b <= std::min(useful_bits, bits / m); ++b) {
      const double now = cost(static_cast<double>(count), pass, radius, m, b, use);
      if (now < least) {
        least = now;
        chunks = m;
        key_bits = b;
      }
    }
  }
  std::vector<HammingChunk> plan;
  if (key_bits == 0) {
    plan.push_back(make_chunk(width, 1, 0, 0, 0));
    return plan;
  }
  for (int n = 0; n < chunks; ++n) {
    if (const int own = chunk_radius(radius, chunks, n); own >= 0) {
      plan.push_back(make_chunk(width, chunks, n, key_bits, own));
    }
  }
  return plan;
}

}  // namespace marrow
