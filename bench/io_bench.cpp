// Reading NIfTI volumes, header check, inflate and conversion to float included; files come from
// the page cache.
//
//   io_bench FOLDER [Google Benchmark's options]
//
// FOLDER: every *.nii and *.nii.gz in it is read once per iteration and thread.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "core/volume.h"
#include "io/nifti/nifti.h"

namespace marrow {
namespace {

std::vector<std::filesystem::path> nifti_files_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".nii") || name.ends_with(".nii.gz")) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Threads share the files: thread t of n reads every n-th.
void read_all(benchmark::State& state, const std::vector<std::filesystem::path>& files) {
  std::int64_t volumes = 0;
  std::int64_t voxels = 0;
  for (auto _ : state) {
    for (auto n = static_cast<std::size_t>(state.thread_index()); n < files.size();
         n += static_cast<std::size_t>(state.threads())) {
      const Volume volume = read_nifti(files[n]);
      benchmark::DoNotOptimize(volume.voxels.data());
      ++volumes;
      voxels += volume.geometry.voxels();
    }
  }
  state.SetItemsProcessed(volumes);
  state.counters["voxels_per_second"] =
      benchmark::Counter(static_cast<double>(voxels), benchmark::Counter::kIsRate);
}

int run_io_bench(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::fputs("usage: io_bench FOLDER_OF_NIFTI [Google Benchmark's options]\n", stderr);
    return 2;
  }
  const std::vector<std::filesystem::path> files = nifti_files_of(argv[1]);
  if (files.empty()) {
    std::fprintf(stderr, "io_bench: no .nii or .nii.gz file in %s\n", argv[1]);
    return 3;
  }
  for (const std::filesystem::path& file : files) {
    benchmark::DoNotOptimize(read_nifti(file).voxels.data());  // into the page cache
  }
  benchmark::RegisterBenchmark("ReadNifti", read_all, files)
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
    return marrow::run_io_bench(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "io_bench: %s\n", error.what());
    return 1;
  }
}
