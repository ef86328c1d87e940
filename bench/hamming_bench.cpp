// What finding near-duplicates spends its time on: comparing hashes of 64 bits, where items are
// pairs, and the greedy selection among many, where items are hashes.
//
//   hamming_bench [Google Benchmark's options]

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <benchmark/benchmark.h>

#include "volumes/fingerprints/hamming_scan.h"
#include "volumes/reduction/greedy_hamming.h"

namespace marrow {
namespace {

// As many as hamming_peer.py takes; the queries are the first of the hashes.
constexpr std::size_t kHashes = std::size_t{1} << 20U;
constexpr std::size_t kQueries = 512;

std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15U;  // SplitMix64
  std::uint64_t mixed = (state ^ (state >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31U);
}

void scan(benchmark::State& state) {
  std::uint64_t random = 1;
  std::vector<std::uint64_t> hashes(kHashes);
  for (std::uint64_t& hash : hashes) {
    hash = next_random(random);
  }
  const auto queries = std::span(hashes).first(kQueries);
  for (auto _ : state) {
    std::size_t found = 0;
    scan_hamming(hashes,
                 queries,
                 static_cast<int>(state.range(0)),
                 [&](std::size_t, std::span<const HammingHit> hits) { found += hits.size(); });
    benchmark::DoNotOptimize(found);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kHashes * kQueries));
}

BENCHMARK(scan)->Name("HammingScan")->Arg(6)->Arg(10)->Unit(benchmark::kMillisecond);

// Hashes of so many words within 6 bits a word: of 100 hashes 60 are copies of one of 5 others with
// 0 to 8 flipped bits a word, the rest is random.
void select(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const auto width = static_cast<std::size_t>(state.range(1));
  std::uint64_t random = 1;
  std::vector<std::uint64_t> bases(count / 20 * width);
  for (std::uint64_t& word : bases) {
    word = next_random(random);
  }
  std::vector<std::uint64_t> words;
  words.reserve(count * width);
  for (std::size_t n = 0; n < count; ++n) {
    const bool copy = next_random(random) % 100 < 60;
    const std::size_t base = next_random(random) % (count / 20);
    for (std::size_t word = 0; word < width; ++word) {
      words.push_back(copy ? bases[base * width + word] : next_random(random));
      for (std::uint64_t flips = copy ? next_random(random) % 9 : 0; flips > 0; --flips) {
        words.back() ^= std::uint64_t{1} << (next_random(random) % 64);
      }
    }
  }
  std::size_t kept = 0;
  for (auto _ : state) {
    kept = greedy_hamming({words, width}, static_cast<int>(6 * width)).kept.size();
  }
  state.counters["kept"] = static_cast<double>(kept);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(select)
    ->Name("GreedyHamming")
    ->ArgNames({"hashes", "words"})
    ->Args({100000, 1})
    ->Args({1000000, 1})
    ->Args({10000000, 1})
    ->Args({100000, 3})
    ->Args({1000000, 3})
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace marrow

BENCHMARK_MAIN();
