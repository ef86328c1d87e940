#include "core/rng.h"

#include <cmath>
#include <numbers>

#include "core/error.h"

namespace marrow {

namespace {

std::uint64_t splitmix(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::uint64_t mixed(std::uint64_t value) {
  std::uint64_t state = value;
  return splitmix(state);
}

std::uint64_t rotate_left(std::uint64_t x, int k) {
  return (x << k) | (x >> (64 - k));
}

}  // namespace

Rng::Rng(std::uint64_t seed) {
  std::uint64_t state = seed;
  for (std::uint64_t& word : state_) {
    word = splitmix(state);
  }
}

Rng::Rng(std::uint64_t seed, std::string_view purpose, std::initializer_list<std::uint64_t> numbers)
    : Rng(derive_seed(seed, purpose, numbers)) {}

Rng::result_type Rng::operator()() {
  const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

double Rng::uniform() {
  return static_cast<double>((*this)() >> 11) * 0x1.0p-53;
}

double Rng::uniform(double low, double high) {
  return low + (high - low) * uniform();
}

std::int64_t Rng::below(std::int64_t n) {
  MARROW_CHECK(n >= 1);
  const auto bound = static_cast<std::uint64_t>(n);
  const std::uint64_t threshold = (0 - bound) % bound;
  while (true) {
    const std::uint64_t draw = (*this)();
    if (draw >= threshold) {
      return static_cast<std::int64_t>(draw % bound);
    }
  }
}

double Rng::normal() {
  // Box-Muller without a cache, so that a copy of the generator is its whole state.
  const double u = 1.0 - uniform();
  const double v = uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

bool Rng::chance(double probability) {
  return uniform() < probability;
}

std::uint64_t derive_seed(std::uint64_t seed,
                          std::string_view purpose,
                          std::initializer_list<std::uint64_t> numbers) {
  std::uint64_t key = mixed(seed);
  // FNV-1a of the purpose: a documented, stable hash.
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : purpose) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  key = mixed(key ^ hash);
  for (const std::uint64_t number : numbers) {
    key = mixed(key ^ mixed(number + 0x632be59bd9b4e019ULL));
  }
  return key;
}

std::uint64_t permuted(std::uint64_t index, std::uint64_t n, std::uint64_t key) {
  MARROW_CHECK(n >= 1 && index < n);
  int half_bits = 1;
  while (half_bits < 32 && (std::uint64_t{1} << (2 * half_bits)) < n) {
    ++half_bits;
  }
  const std::uint64_t mask = (std::uint64_t{1} << half_bits) - 1;
  std::uint64_t value = index;
  do {  // walk the cycle until the value lands inside 0 .. n-1 again
    std::uint64_t left = value >> half_bits;
    std::uint64_t right = value & mask;
    for (std::uint64_t round = 0; round < 6; ++round) {
      const std::uint64_t next = left ^ (mixed(key ^ (right + (round << 56))) & mask);
      left = right;
      right = next;
    }
    value = (left << half_bits) | right;
  } while (value >= n);
  return value;
}

}  // namespace marrow
