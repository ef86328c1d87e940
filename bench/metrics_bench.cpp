// Dice and HD95 per structure of label maps against a second folder of them (same names), held in
// memory.
//
//   metrics_bench REFERENCE PREDICTION [Google Benchmark's options]

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "clinical/metrics/overlap.h"
#include "clinical/metrics/surface_distance.h"
#include "core/volume.h"
#include "io/nifti/nifti.h"

namespace marrow {
namespace {

struct LabelPair {
  LabelMap reference;
  LabelMap prediction;
};

std::vector<LabelPair> label_pairs_of(const std::filesystem::path& reference,
                                      const std::filesystem::path& prediction) {
  std::vector<std::filesystem::path> names;
  for (const auto& entry : std::filesystem::directory_iterator(reference)) {
    const std::filesystem::path name = entry.path().filename();
    if ((name.string().ends_with(".nii") || name.string().ends_with(".nii.gz")) &&
        std::filesystem::exists(prediction / name)) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  std::vector<LabelPair> pairs;
  pairs.reserve(names.size());
  for (const std::filesystem::path& name : names) {
    pairs.push_back({read_nifti_labels(reference / name), read_nifti_labels(prediction / name)});
  }
  return pairs;
}

// Threads share the pairs: thread t of n scores every n-th.
void score_all(benchmark::State& state, const std::vector<LabelPair>& pairs) {
  const std::vector<std::uint16_t> structures = {1, 2};
  std::int64_t cases = 0;
  for (auto _ : state) {
    for (auto n = static_cast<std::size_t>(state.thread_index()); n < pairs.size();
         n += static_cast<std::size_t>(state.threads())) {
      const std::vector<StructureOverlap> overlaps =
          structure_overlaps(pairs[n].reference, pairs[n].prediction, structures);
      for (std::size_t s = 0; s < structures.size(); ++s) {
        benchmark::DoNotOptimize(overlaps[s].counts.dice());
        if (overlaps[s].counts.reference > 0 && overlaps[s].counts.predicted > 0) {
          benchmark::DoNotOptimize(
              hd95_mm(surface_distances(
                          pairs[n].reference, pairs[n].prediction, structures[s], overlaps[s].box),
                      SurfaceRule::kDirected));
        }
      }
      ++cases;
    }
  }
  state.SetItemsProcessed(cases);
}

int run_metrics_bench(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 3) {
    std::fputs("usage: metrics_bench REFERENCE PREDICTION [Google Benchmark's options]\n", stderr);
    return 2;
  }
  const std::vector<LabelPair> pairs = label_pairs_of(argv[1], argv[2]);
  if (pairs.empty()) {
    std::fputs("metrics_bench: no NIfTI file is in both folders\n", stderr);
    return 3;
  }
  benchmark::RegisterBenchmark("DiceAndHd95", score_all, pairs)
      ->Threads(1)
      ->Threads(2)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace marrow

int main(int argc, char** argv) {
  try {
    return marrow::run_metrics_bench(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "metrics_bench: %s\n", error.what());
    return 1;
  }
}
