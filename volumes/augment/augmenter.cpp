#include "volumes/augment/augmenter.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "core/error.h"
#include "volumes/augment/intensity.h"
#include "volumes/augment/interpolate.h"
#include "volumes/augment/rand_augment.h"
#include "volumes/augment/spatial.h"

namespace marrow {

namespace {

std::size_t example_voxels(const Size3& size) {
  return static_cast<std::size_t>(size[0] * size[1] * size[2]);
}

// The part of `box` inside a grid of `size`; one of its sizes is 0 when there is none.
Box clipped_box(const Box& box, const Size3& size) {
  Box inside;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::int64_t low = std::clamp<std::int64_t>(box.start[axis], 0, size[axis]);
    const std::int64_t high =
        std::clamp<std::int64_t>(box.start[axis] + box.size[axis], low, size[axis]);
    inside.start[axis] = low;
    inside.size[axis] = high - low;
  }
  return inside;
}

// Copies the voxels of `part` into their place in `whole`.
template <class T>
void place_box(std::span<const T> part,
               const Box& part_box,
               const Box& whole_box,
               std::span<T> whole) {
  const std::int64_t di = part_box.start[0] - whole_box.start[0];
  const std::int64_t dj = part_box.start[1] - whole_box.start[1];
  const std::int64_t dk = part_box.start[2] - whole_box.start[2];
  for (std::int64_t k = 0; k < part_box.size[2]; ++k) {
    for (std::int64_t j = 0; j < part_box.size[1]; ++j) {
      const T* from = part.data() + part_box.size[0] * (j + part_box.size[1] * k);
      std::copy_n(from,
                  part_box.size[0],
                  whole.data() + di + whole_box.size[0] * (j + dj + whole_box.size[1] * (k + dk)));
    }
  }
}

// One case of a store, read by boxes that may reach outside its grid.
class CaseReader {
 public:
  CaseReader(const VolumeStore& store, std::int64_t index) : store_(store), index_(index) {}

  // Outside the grid: the window's floor, which is air, for CT; for MR, where zero is the mean of
  // the body, the smallest value of the box inside the grid.
  void read_image(std::int64_t channel, const Box& box, std::span<float> out) const {
    const bool ct = store_.recipe().modality == "ct";
    const Box inside = clipped_box(box, grid_size());
    if (inside.size == box.size) {
      store_.read_image(index_, channel, box, 0.0F, out);
      return;
    }
    std::vector<float> part(example_voxels(inside.size));
    float fill = ct ? -1.0F : 0.0F;
    if (!part.empty()) {
      store_.read_image(index_, channel, inside, 0.0F, part);
      fill = ct ? fill : *std::min_element(part.begin(), part.end());
    }
    std::fill(out.begin(), out.end(), fill);
    place_box<float>(part, inside, box, out);
  }

  // Outside the grid: background.
  void read_labels(const Box& box, std::span<std::uint8_t> out) const {
    const Box inside = clipped_box(box, grid_size());
    if (inside.size == box.size) {
      store_.read_labels(index_, box, out);
      return;
    }
    std::vector<std::uint8_t> part(example_voxels(inside.size));
    if (!part.empty()) {
      store_.read_labels(index_, inside, part);
    }
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    place_box<std::uint8_t>(part, inside, box, out);
  }

 private:
  [[nodiscard]] const Size3& grid_size() const { return store_.info(index_).geometry.size; }

  const VolumeStore& store_;
  std::int64_t index_;
};

template <class T>
void mirror_example(std::span<T> values, const Size3& size, const std::array<bool, 3>& flip) {
  const auto row = [&](std::int64_t j, std::int64_t k) {
    return values.begin() + size[0] * (j + size[1] * k);
  };
  if (flip[0]) {
    for (std::int64_t r = 0; r < size[1] * size[2]; ++r) {
      std::reverse(row(r, 0), row(r + 1, 0));
    }
  }
  if (flip[1]) {
    for (std::int64_t k = 0; k < size[2]; ++k) {
      for (std::int64_t j = 0; j < size[1] / 2; ++j) {
        std::swap_ranges(row(j, k), row(j + 1, k), row(size[1] - 1 - j, k));
      }
    }
  }
  if (flip[2]) {
    for (std::int64_t k = 0; k < size[2] / 2; ++k) {
      std::swap_ranges(row(0, k), row(0, k + 1), row(0, size[2] - 1 - k));
    }
  }
}

}  // namespace

Example make_example(const VolumeStore& store,
                     const Patch& patch,
                     const AugmentOptions& options,
                     bool with_labels) {
  check_augment(options);
  const StoredCase& info = store.info(patch.case_index);
  const Size3& size = patch.box.size;
  const std::size_t voxels = example_voxels(size);
  const bool labelled = with_labels && info.has_labels;
  const CaseReader reader(store, patch.case_index);
  const SpatialChange spatial = draw_spatial(options, size, patch.seed);

  Example example;
  example.image.resize(static_cast<std::size_t>(info.channels) * voxels);
  example.labels.resize(labelled ? voxels : 0);
  const auto channel_of = [&](std::int64_t channel) {
    return std::span<float>(example.image)
        .subspan(static_cast<std::size_t>(channel) * voxels, voxels);
  };

  if (spatial.interpolates()) {
    const SourceRegion region = source_region(
        patch.box, inverse_map(spatial, info.geometry.spacing, size), spatial.crop_shift);
    std::vector<float> source(example_voxels(region.source.size));
    for (std::int64_t channel = 0; channel < info.channels; ++channel) {
      reader.read_image(channel, region.source, source);
      interpolate_linear(source, region.source.size, region.map, size, channel_of(channel));
    }
    if (labelled) {
      std::vector<std::uint8_t> source_labels(source.size());
      reader.read_labels(region.source, source_labels);
      interpolate_nearest(source_labels, region.source.size, region.map, size, example.labels);
    }
  } else {
    for (std::int64_t channel = 0; channel < info.channels; ++channel) {
      reader.read_image(channel, patch.box, channel_of(channel));
      mirror_example(channel_of(channel), size, spatial.flip);
    }
    if (labelled) {
      reader.read_labels(patch.box, example.labels);
      mirror_example(std::span<std::uint8_t>(example.labels), size, spatial.flip);
    }
  }

  const std::vector<PictureChange> picture_changes = draw_rand_augment(options, patch.seed);
  move_picture_labels(example.labels, size, picture_changes);
  for (std::int64_t channel = 0; channel < info.channels; ++channel) {
    change_pictures(channel_of(channel), size, picture_changes);
    change_intensity(channel_of(channel), size, draw_intensity(options, size, patch.seed, channel));
  }
  return example;
}

}  // namespace marrow
