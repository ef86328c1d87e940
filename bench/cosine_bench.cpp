// Near duplicates among unit vectors, exactly: 20 000 of them in clusters, cosine 0.95 and more.
//
//   cosine_bench [Google Benchmark's options]
//
// cosine_peer.py makes vectors in the same way; items are vectors.

#include <cmath>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "core/rng.h"
#include "volumes/reduction/cosine_scan.h"
#include "volumes/reduction/greedy_cosine.h"

namespace marrow {
namespace {

// Every vector is one of count / 4 centres with noise of a fifth of their spread: pairs of one
// centre have a cosine of about 0.96.
std::vector<float> clustered(std::int64_t count, std::int64_t dimensions) {
  Rng rng(1);
  std::vector<float> centres(static_cast<std::size_t>(count / 4 * dimensions));
  for (float& value : centres) {
    value = static_cast<float>(rng.normal());
  }
  std::vector<float> rows;
  for (std::int64_t n = 0; n < count; ++n) {
    const float* const centre = centres.data() + rng.below(count / 4) * dimensions;
    double squared = 0;
    for (std::int64_t i = 0; i < dimensions; ++i) {
      rows.push_back(centre[i] + 0.2F * static_cast<float>(rng.normal()));
      squared += rows.back() * rows.back();
    }
    for (auto value = rows.end() - dimensions; value != rows.end(); ++value) {
      *value /= static_cast<float>(std::sqrt(squared));
    }
  }
  return rows;
}

void cosine_pairs(benchmark::State& state) {
  const std::int64_t count = state.range(1);
  const auto rows = clustered(count, state.range(0));
  std::int64_t pairs = 0;
  for (auto _ : state) {
    pairs = 0;
    for_each_cosine_pair({rows, state.range(0)},
                         {0.95F, static_cast<int>(state.range(2)), nullptr},
                         [&](const CosinePair&) { ++pairs; });
  }
  state.counters["pairs"] = static_cast<double>(pairs);
  state.SetItemsProcessed(state.iterations() * count);
}

// The same on one thread with a kernel for older processors.
void cosine_kernels(benchmark::State& state, const CosineKernel& kernel) {
  if (!runs_cosine_kernel(kernel)) {
    state.SkipWithError("this processor does not run it");
    return;
  }
  const std::int64_t count = 20'000;
  const auto rows = clustered(count, state.range(0));
  for (auto _ : state) {
    for_each_cosine_pair({rows, state.range(0)}, {0.95F, 1, &kernel}, [](const CosinePair&) {});
  }
  state.SetItemsProcessed(state.iterations() * count);
}

void greedy(benchmark::State& state) {
  const auto rows = clustered(20'000, state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(select_greedy_cosine({rows, state.range(0)}, 0.95F));
  }
  state.SetItemsProcessed(state.iterations() * 20'000);
}

BENCHMARK(cosine_pairs)
    ->Name("CosinePairs")
    ->ArgNames({"d", "n", "workers"})
    ->ArgsProduct({{128, 512}, {20'000, 100'000}, {1, 2}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(cosine_kernels, baseline, cosine_kernel_baseline())->Arg(128)->Arg(512);
BENCHMARK_CAPTURE(cosine_kernels, avx2, cosine_kernel_avx2())->Arg(128)->Arg(512);
BENCHMARK_CAPTURE(cosine_kernels, avx512, cosine_kernel_avx512())->Arg(128)->Arg(512);
BENCHMARK(greedy)->Name("GreedyCosine")->Arg(128)->Arg(512)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace marrow

BENCHMARK_MAIN();
