// Random patches of real volumes, plain and augmented, from the volume store: the work of
// bench/peers/crop_augment_peer.py.
//
//   patches_bench FOLDER [Google Benchmark's options]
//
// FOLDER: the first 20 NIfTI images are prepared (MR) into a store in a temporary folder before
// anything is timed.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "core/files.h"
#include "core/rng.h"
#include "core/volume.h"
#include "io/nifti/nifti.h"
#include "volumes/augment/augmenter.h"
#include "volumes/preprocess/recipe.h"
#include "volumes/store/volume_store.h"

namespace marrow {
namespace {

constexpr std::size_t kVolumes = 20;
constexpr Size3 kPatch = {40, 56, 40};

void fill_patch_store(const std::filesystem::path& images, const std::filesystem::path& store) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(images)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".nii") || name.ends_with(".nii.gz")) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  files.resize(std::min(files.size(), kVolumes));
  const RecipeOptions recipe;
  VolumeStoreWriter writer(store, recipe);
  for (const std::filesystem::path& file : files) {
    const PreparedVolume prepared = prepare_volume(read_nifti(file), recipe);
    StoredCase info;
    info.key = file.filename().string();
    info.patient = info.key;
    info.geometry = prepared.volume.geometry;
    info.source = prepared.source;
    writer.add(info, {&prepared.volume, 1}, nullptr);
  }
  writer.finish();
}

// Any place where the patch lies inside; a volume smaller than the patch lies inside of it.
Patch random_patch(const VolumeStore& store, Rng& rng) {
  Patch patch;
  patch.case_index = rng.below(store.size());
  patch.box.size = kPatch;
  const Size3& size = store.info(patch.case_index).geometry.size;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::int64_t room = size[axis] - kPatch[axis];
    patch.box.start[axis] = std::min<std::int64_t>(0, room) + rng.below(std::abs(room) + 1);
  }
  patch.seed = rng();
  return patch;
}

void cut_patches(benchmark::State& state, const VolumeStore& store, const AugmentOptions& options) {
  Rng rng(static_cast<std::uint64_t>(state.thread_index()) + 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        make_example(store, random_patch(store, rng), options, false).image.data());
  }
  state.SetItemsProcessed(state.iterations());
}

int run_patches_bench(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::fputs("usage: patches_bench FOLDER_OF_NIFTI [Google Benchmark's options]\n", stderr);
    return 2;
  }
  const TemporaryFolder folder;
  fill_patch_store(argv[1], folder.path() / "store");
  const VolumeStore store(folder.path() / "store");
  AugmentOptions all;
  all.flip = 0.5;
  all.rotate = all.scale = all.noise = all.gamma = 1.0;
  for (const auto& [name, options] : {std::pair<const char*, AugmentOptions>{"Crop", {}},
                                      std::pair<const char*, AugmentOptions>{"Augment", all}}) {
    benchmark::RegisterBenchmark(
        name,
        [&store, chosen = options](benchmark::State& state) { cut_patches(state, store, chosen); })
        ->Threads(1)
        ->Threads(2)
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace marrow

int main(int argc, char** argv) {
  try {
    return marrow::run_patches_bench(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "patches_bench: %s\n", error.what());
    return 1;
  }
}
