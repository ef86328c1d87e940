#include "volumes/reduction/case_fingerprint.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "core/digest.h"
#include "volumes/fingerprints/slice_hash.h"
#include "volumes/preprocess/body_mask.h"

namespace marrow {

namespace {

constexpr std::int64_t kMostSampled = 1 << 20;  // voxels that decide where the body begins

struct Cells {
  Size3 size{1, 1, 1};
  std::vector<double> values;  // i fastest
};

// Means over `wanted` equal parts of `axis`; voxels that lie in two count for the share in each.
Cells shrink(const Cells& from, std::size_t axis, std::int64_t wanted) {
  Cells to{from.size, {}};
  to.size[axis] = wanted;
  to.values.assign(static_cast<std::size_t>(to.size[0] * to.size[1] * to.size[2]), 0.0);
  const double step = static_cast<double>(from.size[axis]) / static_cast<double>(wanted);
  std::int64_t inner = 1;
  for (std::size_t n = 0; n < axis; ++n) {
    inner *= from.size[n];
  }
  const std::int64_t outer =
      static_cast<std::int64_t>(from.values.size()) / (inner * from.size[axis]);
  for (std::int64_t part = 0; part < wanted; ++part) {
    const double low = static_cast<double>(part) * step;
    const double high = low + step;
    for (auto n = static_cast<std::int64_t>(low);
         n < std::min<std::int64_t>(from.size[axis], static_cast<std::int64_t>(std::ceil(high)));
         ++n) {
      const double weight =
          (std::min(high, static_cast<double>(n + 1)) - std::max(low, static_cast<double>(n))) /
          step;
      for (std::int64_t o = 0; o < outer; ++o) {
        const double* const read = from.values.data() + (o * from.size[axis] + n) * inner;
        double* const write = to.values.data() + (o * wanted + part) * inner;
        for (std::int64_t at = 0; at < inner; ++at) {
          write[at] += weight * read[at];
        }
      }
    }
  }
  return to;
}

// The box around the voxels above Otsu's threshold, or everything where nothing stands out.
Cells body_cells(const Volume& volume) {
  const Size3& size = volume.geometry.size;
  const std::int64_t stride = std::max<std::int64_t>(1, volume.geometry.voxels() / kMostSampled);
  std::vector<float> sampled;
  for (std::int64_t n = 0; n < volume.geometry.voxels(); n += stride) {
    if (const float value = volume.voxels[static_cast<std::size_t>(n)]; std::isfinite(value)) {
      sampled.push_back(value);
    }
  }
  std::array<std::int64_t, 3> low{size}, high{-1, -1, -1};
  if (!sampled.empty()) {
    const double threshold = otsu_split(sampled).threshold;
    std::int64_t n = 0;
    for (std::int64_t k = 0; k < size[2]; ++k) {
      for (std::int64_t j = 0; j < size[1]; ++j) {
        for (std::int64_t i = 0; i < size[0]; ++i, ++n) {
          if (volume.voxels[static_cast<std::size_t>(n)] > threshold) {
            const std::array<std::int64_t, 3> at{i, j, k};
            for (std::size_t axis = 0; axis < 3; ++axis) {
              low[axis] = std::min(low[axis], at[axis]);
              high[axis] = std::max(high[axis], at[axis]);
            }
          }
        }
      }
    }
  }
  if (high[0] < 0) {
    low = {0, 0, 0};
    high = {size[0] - 1, size[1] - 1, size[2] - 1};
  }
  Cells cells;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    cells.size[axis] = high[axis] - low[axis] + 1;
  }
  cells.values.reserve(static_cast<std::size_t>(cells.size[0] * cells.size[1] * cells.size[2]));
  for (std::int64_t k = low[2]; k <= high[2]; ++k) {
    for (std::int64_t j = low[1]; j <= high[1]; ++j) {
      for (std::int64_t i = low[0]; i <= high[0]; ++i) {
        const float value =
            volume.voxels[static_cast<std::size_t>(i + size[0] * (j + size[1] * k))];
        cells.values.push_back(std::isfinite(value) ? value : 0.0);
      }
    }
  }
  return cells;
}

VolumeHash volume_hash(const Volume& volume) {
  constexpr std::int64_t kCells = 4;
  const Cells body = body_cells(volume);
  VolumeHash hash{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    Cells cells = body;
    for (std::size_t n = 0; n < 3; ++n) {
      cells = shrink(cells, n, n == axis ? kCells + 1 : kCells);
    }
    std::int64_t inner = 1;
    for (std::size_t n = 0; n < axis; ++n) {
      inner *= cells.size[n];
    }
    for (std::size_t n = 0; n < cells.values.size(); ++n) {
      const auto place = static_cast<std::int64_t>(n) / inner % (kCells + 1);
      if (place < kCells) {
        const bool rises = cells.values[n + static_cast<std::size_t>(inner)] > cells.values[n];
        hash[axis] = hash[axis] << 1U | (rises ? 1U : 0U);
      }
    }
  }
  return hash;
}

std::string digest_of_voxels(const Volume& canonical) {
  std::vector<float> voxels(canonical.voxels.begin(), canonical.voxels.end());
  for (float& value : voxels) {
    value = std::isnan(value) ? std::numeric_limits<float>::quiet_NaN() : value + 0.0F;  // no -0
  }
  const Size3& size = canonical.geometry.size;
  return fmt::format(
      "{}x{}x{}:{:016x}", size[0], size[1], size[2], xxh3(std::as_bytes(std::span(voxels))));
}

void measure_values(const Volume& volume, CaseFingerprint& made) {
  std::int64_t finite = 0, smallest_count = 0;
  float smallest = INFINITY;
  double sum = 0, squares = 0, shift = 0;
  for (const float value : volume.voxels) {
    if (!std::isfinite(value)) {
      continue;
    }
    if (finite == 0) {
      shift = value;  // near the mean, so that the squares do not cancel
    }
    ++finite;
    if (value < smallest) {
      smallest = value;
      smallest_count = 0;
    }
    smallest_count += value == smallest ? 1 : 0;
    sum += value - shift;
    squares += (value - shift) * (value - shift);
  }
  const auto all = static_cast<double>(made.voxels), counted = static_cast<double>(finite);
  made.empty_share = static_cast<double>(smallest_count) / all;
  made.not_finite_share = (all - counted) / all;
  if (finite > 0) {
    const double mean = sum / counted;
    made.mean = shift + mean;
    made.deviation = std::sqrt(std::max(0.0, squares / counted - mean * mean));
  }
}

}  // namespace

CaseFingerprint fingerprint_case(const Volume& volume,
                                 Modality modality,
                                 const PictureOptions& options) {
  CaseFingerprint made;
  made.voxels = volume.geometry.voxels();
  for (int axis = 0; axis < 3; ++axis) {
    made.spacing_mm[static_cast<std::size_t>(axis)] = volume.geometry.spacing[axis];
  }
  const AxisMoves moves = canonical_moves(volume.geometry);
  Volume turned;
  if (!moves.nothing()) {
    turned = reoriented(volume, moves);
  }
  const Volume& canonical = moves.nothing() ? volume : turned;
  const SlicePictures pictures = slice_pictures(canonical, volume.geometry, modality, options);
  made.axis = pictures.axis;
  const DifferenceHash difference_hash({pictures.columns, pictures.rows});
  const PerceptualHash perceptual_hash({pictures.columns, pictures.rows});
  for (std::int64_t n = 0; n < pictures.count; ++n) {
    const GreyPicture picture = pictures.picture(n);
    made.slices.push_back({difference_hash(picture.pixels),
                           perceptual_hash(picture.pixels),
                           static_cast<float>(entropy_bits(picture)),
                           pictures.source[static_cast<std::size_t>(n)]});
  }
  made.voxel_digest = digest_of_voxels(canonical);
  made.hash = volume_hash(canonical);
  measure_values(canonical, made);
  made.flags = volume_flags(volume, modality);
  return made;
}

int hash_distance(const VolumeHash& a, const VolumeHash& b) {
  int distance = 0;
  for (std::size_t n = 0; n < a.size(); ++n) {
    distance += hamming_distance(a[n], b[n]);
  }
  return distance;
}

}  // namespace marrow
