// Crop reads and augmentation on one core. The volume is a synthetic CT: a smooth ellipse of soft
// tissue with noise, air around it, as PERFORMANCE figures of such tools usually use.
// `items_per_second` counts output voxels.

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "core/files.h"
#include "core/rng.h"
#include "core/volume.h"
#include "volumes/augment/augmenter.h"
#include "volumes/store/volume_store.h"

namespace marrow {
namespace {

class PhantomStore {
 public:
  PhantomStore() {
    RecipeOptions recipe;
    recipe.modality = "ct";
    StoredCase info;
    info.key = "phantom";
    info.patient = "phantom";
    info.geometry =
        make_geometry({256, 256, 160}, {1, 1, 1.5}, {0, 0, 0}, Eigen::Matrix3d::Identity());
    info.source = info.geometry;
    info.has_labels = true;
    Volume image = make_grid<float>(info.geometry);
    LabelMap labels = make_grid<std::uint16_t>(info.geometry);
    Rng rng(1);
    std::int64_t inside = 0;
    for (std::int64_t k = 0; k < 160; ++k) {
      for (std::int64_t j = 0; j < 256; ++j) {
        for (std::int64_t i = 0; i < 256; ++i) {
          const double x = static_cast<double>(i - 128) / 110;
          const double y = static_cast<double>(j - 128) / 80;
          const bool body = x * x + y * y < 1;
          const double tissue =
              0.05 * std::sin(0.1 * static_cast<double>(i + j) + 0.05 * static_cast<double>(k));
          image.at(i, j, k) = body ? static_cast<float>(tissue + 0.025 * rng.normal()) : -1.0F;
          const bool organ = x * x + y * y < 0.1;
          labels.at(i, j, k) = organ ? 1 : 0;
          inside += organ ? 1 : 0;
        }
      }
    }
    info.label_fractions = {static_cast<double>(inside) /
                            static_cast<double>(info.geometry.voxels())};
    VolumeStoreWriter writer(folder_.path() / "store", recipe);
    writer.add(info, {&image, 1}, &labels);
    writer.finish();
    store_ = std::make_unique<VolumeStore>(folder_.path() / "store");
  }

  [[nodiscard]] const VolumeStore& store() const { return *store_; }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<VolumeStore> store_;
};

const VolumeStore& phantom() {
  static const PhantomStore data;
  return data.store();
}

Box random_box(Rng& rng, std::int64_t size) {
  const Size3& grid = phantom().info(0).geometry.size;
  Box box{{0, 0, 0}, {size, size, size}};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    box.start[axis] = rng.below(grid[axis] - size + 1);
  }
  return box;
}

void crop_read(benchmark::State& state) {
  const std::int64_t size = state.range(0);
  std::vector<float> out(static_cast<std::size_t>(size * size * size));
  (void)phantom();
  Rng rng(2);
  for (auto _ : state) {
    phantom().read_image(0, 0, random_box(rng, size), -1.0F, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * size * size * size);
}

BENCHMARK(crop_read)->Arg(32)->Arg(64)->Arg(96)->Unit(benchmark::kMicrosecond);

void augmented(benchmark::State& state, const AugmentOptions& options, bool with_labels) {
  const std::int64_t size = state.range(0);
  (void)phantom();
  Rng rng(3);
  for (auto _ : state) {
    const Example example =
        make_example(phantom(), {0, random_box(rng, size), rng()}, options, with_labels);
    benchmark::DoNotOptimize(example.image.data());
  }
  state.SetItemsProcessed(state.iterations() * size * size * size);
}

void augment_nothing(benchmark::State& state) {
  augmented(state, {}, false);
}

BENCHMARK(augment_nothing)->Arg(64)->Arg(96)->Unit(benchmark::kMicrosecond);

void augment_flip(benchmark::State& state) {
  AugmentOptions options;
  options.flip = 0.5;
  options.flip_axes = {"left-right", "front-back", "foot-head"};
  augmented(state, options, false);
}

BENCHMARK(augment_flip)->Arg(64)->Arg(96)->Unit(benchmark::kMicrosecond);

void augment_affine(benchmark::State& state) {
  AugmentOptions options;
  options.flip = 0.5;
  options.flip_axes = {"left-right", "front-back", "foot-head"};
  options.rotate = options.scale = 1.0;
  augmented(state, options, false);
}

BENCHMARK(augment_affine)->Arg(64)->Arg(96)->Unit(benchmark::kMicrosecond);

void augment_affine_with_labels(benchmark::State& state) {
  AugmentOptions options;
  options.flip = 0.5;
  options.flip_axes = {"left-right", "front-back", "foot-head"};
  options.rotate = options.scale = 1.0;
  augmented(state, options, true);
}

BENCHMARK(augment_affine_with_labels)->Arg(64)->Arg(96)->Unit(benchmark::kMicrosecond);

void augment_intensity(benchmark::State& state) {
  AugmentOptions options;
  options.noise = options.blur = options.brightness = options.contrast = 1.0;
  options.gamma = options.bias_field = 1.0;
  augmented(state, options, false);
}

BENCHMARK(augment_intensity)->Arg(64)->Arg(96)->Unit(benchmark::kMicrosecond);

void augment_everything(benchmark::State& state) {
  AugmentOptions options;
  options.flip = 0.5;
  options.flip_axes = {"left-right", "front-back", "foot-head"};
  options.rotate = options.scale = options.noise = options.blur = 1.0;
  options.brightness = options.contrast = options.gamma = options.bias_field = 1.0;
  augmented(state, options, true);
}

BENCHMARK(augment_everything)->Arg(64)->Arg(96)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace marrow
