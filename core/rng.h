#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string_view>

namespace marrow {

// A small random generator (xoshiro256**) seeded from a key, so that whatever it draws depends on
// the key alone and never on a thread or on what was drawn elsewhere. Satisfies
// UniformRandomBitGenerator, but use the members below: the standard's distributions differ between
// libraries.
class Rng {
 public:
  using result_type = std::uint64_t;

  explicit Rng(std::uint64_t seed);
  // A stream of its own for (seed, purpose, numbers...): e.g. Rng(seed, "augment", {epoch, index}).
  Rng(std::uint64_t seed, std::string_view purpose, std::initializer_list<std::uint64_t> numbers);

  static constexpr result_type min() { return 0; }

  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

  result_type operator()();

  [[nodiscard]] double uniform();                         // [0, 1)
  [[nodiscard]] double uniform(double low, double high);  // [low, high)
  [[nodiscard]] std::int64_t below(std::int64_t n);       // 0 .. n-1, n >= 1, unbiased
  [[nodiscard]] double normal();                          // mean 0, standard deviation 1
  [[nodiscard]] bool chance(double probability);

 private:
  std::uint64_t state_[4];
};

// The seed that such a stream starts from; for handing to other libraries' generators.
[[nodiscard]] std::uint64_t derive_seed(std::uint64_t seed,
                                        std::string_view purpose,
                                        std::initializer_list<std::uint64_t> numbers);

// Position `index` of a pseudo-random permutation of 0 .. n-1 chosen by `key`, in O(1) memory
// (cycle-walking Feistel network). A bijection for every n >= 1.
[[nodiscard]] std::uint64_t permuted(std::uint64_t index, std::uint64_t n, std::uint64_t key);

}  // namespace marrow
