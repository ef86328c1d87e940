// What finding near-duplicates spends its time on: comparing hashes of 64 bits. Items are pairs.
//
//   hamming_bench [Google Benchmark's options]

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <benchmark/benchmark.h>

#include "volumes/fingerprints/hamming_scan.h"

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

}  // namespace
}  // namespace marrow

BENCHMARK_MAIN();
