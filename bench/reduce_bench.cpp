// What reducing an archive spends its time on: hashes of 512x512 slices, 8 bits a pixel.
//
//   reduce_bench [Google Benchmark's options]

#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "volumes/fingerprints/slice_hash.h"

namespace marrow {
namespace {

constexpr std::int64_t kSide = 512;

// A few different slices, as many as reduce_peer.py takes.
std::vector<std::vector<std::uint8_t>> slices() {
  std::vector<std::vector<std::uint8_t>> made(64);
  std::uint32_t state = 1;
  for (std::vector<std::uint8_t>& slice : made) {
    for (std::int64_t n = 0; n < kSide * kSide; ++n) {
      state = state * 1664525U + 1013904223U;
      slice.push_back(static_cast<std::uint8_t>((n % kSide / 4) + (state >> 27U)));
    }
  }
  return made;
}

template <class Hash>
void hash_slices(benchmark::State& state) {
  const auto made = slices();
  const Hash hash({kSide, kSide});
  for (auto _ : state) {
    for (const auto& slice : made) {
      benchmark::DoNotOptimize(hash(slice));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(made.size()));
}

BENCHMARK(hash_slices<DifferenceHash>)->Name("DifferenceHash")->Unit(benchmark::kMillisecond);
BENCHMARK(hash_slices<PerceptualHash>)->Name("PerceptualHash")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace marrow

BENCHMARK_MAIN();
