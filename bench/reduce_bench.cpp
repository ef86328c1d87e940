// What reducing an archive spends its time on: hashes of 512x512 slices, and pixel by pixel
// measures of pairs of 224x224 (as the filters compare them), 8 bits a pixel.
//
//   reduce_bench [Google Benchmark's options]

#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "volumes/fingerprints/slice_hash.h"
#include "volumes/reduction/slice_similarity.h"

namespace marrow {
namespace {

constexpr std::int64_t kSide = 512;
constexpr std::int64_t kComparedSide = 224;

// A few different slices, as many as reduce_peer.py takes.
std::vector<std::vector<std::uint8_t>> slices(std::int64_t side) {
  std::vector<std::vector<std::uint8_t>> made(64);
  std::uint32_t state = 1;
  for (std::vector<std::uint8_t>& slice : made) {
    for (std::int64_t n = 0; n < side * side; ++n) {
      state = state * 1664525U + 1013904223U;
      slice.push_back(static_cast<std::uint8_t>((n % side / 4) + (state >> 27U)));
    }
  }
  return made;
}

template <class Hash>
void hash_slices(benchmark::State& state) {
  const auto made = slices(kSide);
  const Hash hash({kSide, kSide});
  for (auto _ : state) {
    for (const auto& slice : made) {
      benchmark::DoNotOptimize(hash(slice));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(made.size()));
}

template <class Measure>
void compare_pictures(benchmark::State& state, Measure measure) {
  const auto made = slices(kComparedSide);
  const auto picture = [&](std::size_t n) {
    return GreyPicture{made[n], kComparedSide, kComparedSide};
  };
  for (auto _ : state) {
    for (std::size_t n = 1; n < made.size(); ++n) {
      benchmark::DoNotOptimize(measure(picture(n - 1), picture(n)));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(made.size() - 1));
}

void structural(benchmark::State& state) {
  compare_pictures(state, structural_similarity);
}

void shared_information(benchmark::State& state) {
  compare_pictures(state, mutual_information);
}

BENCHMARK(hash_slices<DifferenceHash>)->Name("DifferenceHash")->Unit(benchmark::kMillisecond);
BENCHMARK(hash_slices<PerceptualHash>)->Name("PerceptualHash")->Unit(benchmark::kMillisecond);
BENCHMARK(structural)->Name("StructuralSimilarity")->Unit(benchmark::kMillisecond);
BENCHMARK(shared_information)->Name("MutualInformation")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace marrow

BENCHMARK_MAIN();
