// Reading NIfTI volumes and a DICOM series, header check, inflate and conversion to float included;
// files come from the page cache.
//
//   io_bench FOLDER [Google Benchmark's options]
//   io_bench make FOLDER SLICES
//
// FOLDER: every *.nii and *.nii.gz in it is read once per iteration and thread; all *.dcm in it are
// one series; both are read in this process and through the limited child. `make` writes such a
// series.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "core/files.h"
#include "core/volume.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/dicom_writer.h"
#include "io/nifti/nifti.h"
#include "io/worker/worker_client.h"

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

std::vector<std::filesystem::path> dicom_files_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".dcm") {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// An uncompressed CT series of 512x512 slices with noise in it.
void make_series(const std::filesystem::path& folder, std::int64_t slices) {
  Volume volume = make_grid<float>(make_geometry(
      {512, 512, slices}, {0.7, 0.7, 1.5}, {-180, -180, 0}, Eigen::Matrix3d::Identity()));
  std::uint32_t state = 1;
  for (float& voxel : volume.voxels) {
    state = state * 1664525U + 1013904223U;
    voxel = static_cast<float>(state >> 20U) - 1024;
  }
  DicomSeriesAttributes attributes;
  attributes.intercept = -1024;
  attributes.signed_values = false;
  write_dicom_series(folder, volume, attributes);
}

void read_series(benchmark::State& state, const std::vector<std::filesystem::path>& files) {
  for (auto _ : state) {
    const Volume volume = read_dicom_stack(files);
    benchmark::DoNotOptimize(volume.voxels.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(files.size()));
}

// `images`: the files of each; what counts is files.
void read_in_child(benchmark::State& state,
                   const std::vector<std::vector<std::filesystem::path>>& images,
                   const std::filesystem::path& worker) {
  WorkerSettings settings;
  settings.executable = worker;
  WorkerClient client(settings);
  std::int64_t files = 0;
  for (auto _ : state) {
    for (const std::vector<std::filesystem::path>& image : images) {
      const Volume volume = client.volume(image);
      benchmark::DoNotOptimize(volume.voxels.data());
      files += static_cast<std::int64_t>(image.size());
    }
  }
  state.SetItemsProcessed(files);
}

int run_io_bench(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc == 4 && std::string(argv[1]) == "make") {
    make_series(argv[2], std::stol(argv[3]));
    return 0;
  }
  if (argc != 2) {
    std::fputs(
        "usage: io_bench FOLDER [Google Benchmark's options]\n       io_bench make FOLDER SLICES\n",
        stderr);
    return 2;
  }
  const std::vector<std::filesystem::path> files = nifti_files_of(argv[1]);
  const std::vector<std::filesystem::path> series = dicom_files_of(argv[1]);
  if (files.empty() && series.empty()) {
    std::fprintf(stderr, "io_bench: no .nii, .nii.gz or .dcm file in %s\n", argv[1]);
    return 3;
  }
  for (const std::filesystem::path& file : files) {
    benchmark::DoNotOptimize(read_nifti(file).voxels.data());  // into the page cache
  }
  const std::filesystem::path worker = executable_folder().parent_path() / "marrow-worker";
  if (!files.empty()) {
    std::vector<std::vector<std::filesystem::path>> single;
    for (const std::filesystem::path& file : files) {
      single.push_back({file});
    }
    benchmark::RegisterBenchmark("ReadNiftiInChild", read_in_child, single, worker)
        ->Threads(1)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("ReadNifti", read_all, files)
        ->Threads(1)
        ->Threads(2)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
  if (!series.empty()) {
    const std::vector<std::vector<std::filesystem::path>> series_only(1, series);
    benchmark::RegisterBenchmark("ReadDicom", read_series, series)
        ->Threads(1)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("ReadDicomInChild", read_in_child, series_only, worker)
        ->Threads(1)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
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
