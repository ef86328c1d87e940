#include "models/features/case_features.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include "core/error.h"
#include "volumes/preprocess/orientation.h"
#include "volumes/reduction/slice_pictures.h"

namespace marrow {

namespace {

// Which planes of a prepared volume are the slices of its source.
struct SourceSlices {
  std::size_t axis = 2;              // of the prepared grid: 0 i, 1 j, 2 k
  std::vector<std::int64_t> planes;  // of each slice, in anatomical order
};

SourceSlices source_slices(const Geometry& source, const Geometry& prepared) {
  SourceSlices found;
  const auto source_axis = static_cast<std::size_t>(slice_axis(source));
  const AxisMoves moves = canonical_moves(source);
  found.axis = static_cast<std::size_t>(
      std::find(moves.from.begin(), moves.from.end(), source_axis) - moves.from.begin());
  const Geometry canonical = reoriented(source, moves);
  Eigen::Vector3d index;
  for (std::size_t n = 0; n < 3; ++n) {
    index[static_cast<Eigen::Index>(n)] = static_cast<double>(canonical.size[n] - 1) / 2;
  }
  const auto along = static_cast<Eigen::Index>(found.axis);
  for (std::int64_t n = 0; n < canonical.size[found.axis]; ++n) {
    index[along] = static_cast<double>(n);
    const double place = prepared.to_index(canonical.to_physical(index))[along];
    found.planes.push_back(
        std::clamp<std::int64_t>(std::llround(place), 0, prepared.size[found.axis] - 1));
  }
  return found;
}

// [C, D, H, W]
at::Tensor as_tensor(const std::vector<Volume>& channels) {
  std::vector<at::Tensor> planes;
  for (const Volume& channel : channels) {
    const Size3& size = channel.geometry.size;
    planes.push_back(at::from_blob(
        const_cast<float*>(channel.voxels.data()), {size[2], size[1], size[0]}, at::kFloat));
  }
  return at::stack(planes);
}

// `x` [..., spatial] continued at the ends of its last axes up to `wanted`.
at::Tensor padded(const at::Tensor& x, const std::vector<std::int64_t>& wanted, double value) {
  std::vector<std::int64_t> pads;
  bool any = false;
  for (std::size_t n = wanted.size(); n-- > 0;) {
    const std::int64_t missing = std::max<std::int64_t>(
        0, wanted[n] - x.size(x.dim() - static_cast<std::int64_t>(wanted.size() - n)));
    pads.insert(pads.end(), {0, missing});
    any = any || missing > 0;
  }
  return any ? at::constant_pad_nd(x, pads, value) : x;
}

// From which on stages are taken.
std::size_t first_stage(const Encoder& encoder, const FeatureOptions& options) {
  return options.stages == "all" ? 0 : encoder.stages().size() - 1;
}

class FeatureReader {
 public:
  FeatureReader(Encoder& encoder, const FeatureOptions& options, const ComputeMode& mode)
      : encoder_(encoder),
        options_(options),
        mode_(mode),
        device_(encoder.parameters().at(0).device()) {
    for (std::size_t n = first_stage(encoder, options); n < encoder.stages().size(); ++n) {
      used_.push_back(n);
    }
  }

  [[nodiscard]] std::int64_t width() const { return feature_dimensions(encoder_, options_); }

  // Maps of the stages that are used, float, on the CPU.
  [[nodiscard]] std::vector<at::Tensor> maps(const at::Tensor& x) const {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> all;
    {
      const AutocastGuard autocast(mode_, device_);
      all = encoder_.features(with_layout(x.to(device_), mode_));
    }
    std::vector<at::Tensor> used;
    for (const std::size_t n : used_) {
      used.push_back(all[n].to(at::kCPU, at::kFloat).contiguous());
    }
    return used;
  }

  [[nodiscard]] const std::vector<std::int64_t>& stride(std::size_t used) const {
    return encoder_.stages()[used_[used]].stride;
  }

  [[nodiscard]] const std::vector<std::int64_t>& total_stride() const {
    return encoder_.stages().back().stride;
  }

  [[nodiscard]] std::int64_t batch() const { return options_.batch; }

 private:
  Encoder& encoder_;
  const FeatureOptions& options_;
  const ComputeMode& mode_;
  const at::Device device_;
  std::vector<std::size_t> used_;
};

// How many cells of a map of `stride` have their middle inside `size` voxels.
std::int64_t cells_inside(std::int64_t cells, std::int64_t stride, std::int64_t size) {
  return std::clamp<std::int64_t>((size + stride / 2) / stride, 1, cells);
}

// [planes, width]: features of the planes across `axis` (0 i, 1 j, 2 k) that `wanted` names.
at::Tensor plane_features_2d(const FeatureReader& reader,
                             const at::Tensor& volume,
                             std::size_t axis,
                             const std::vector<bool>& wanted,
                             double fill) {
  const std::int64_t dim = 3 - static_cast<std::int64_t>(axis);  // of [C, D, H, W]
  at::Tensor features = at::zeros({volume.size(dim), reader.width()}, at::kFloat);
  // Up to a multiple of the stride, as in training.
  const at::Tensor first = volume.select(dim, 0);
  std::vector<std::int64_t> whole;
  for (std::size_t n = 0; n < 2; ++n) {
    const std::int64_t stride = reader.total_stride()[n];
    whole.push_back((first.size(static_cast<std::int64_t>(n) + 1) + stride - 1) / stride * stride);
  }
  std::vector<std::int64_t> waiting;
  const auto flush = [&] {
    if (waiting.empty()) {
      return;
    }
    std::vector<at::Tensor> planes;
    for (const std::int64_t n : waiting) {
      planes.push_back(padded(volume.select(dim, n), whole, fill));
    }
    const std::vector<at::Tensor> maps = reader.maps(at::stack(planes));
    std::int64_t channel = 0;
    for (std::size_t used = 0; used < maps.size(); ++used) {
      const at::Tensor& map = maps[used];
      const at::Tensor inside =
          map.narrow(2, 0, cells_inside(map.size(2), reader.stride(used)[0], first.size(1)))
              .narrow(3, 0, cells_inside(map.size(3), reader.stride(used)[1], first.size(2)));
      const at::Tensor pooled = inside.mean(at::IntArrayRef{2, 3});
      for (std::size_t n = 0; n < waiting.size(); ++n) {
        features[waiting[n]]
            .narrow(0, channel, map.size(1))
            .copy_(pooled[static_cast<std::int64_t>(n)]);
      }
      channel += map.size(1);
    }
    waiting.clear();
  };
  for (std::int64_t n = 0; n < volume.size(dim); ++n) {
    if (wanted[static_cast<std::size_t>(n)]) {
      waiting.push_back(n);
      if (std::ssize(waiting) == reader.batch()) {
        flush();
      }
    }
  }
  flush();
  return features;
}

// Where tiles begin: neighbours share half, the last one ends with the volume.
std::vector<std::int64_t> tile_begins(std::int64_t size, std::int64_t tile) {
  std::vector<std::int64_t> begins;
  for (std::int64_t at = 0; at + tile < size; at += std::max<std::int64_t>(1, tile / 2)) {
    begins.push_back(at);
  }
  begins.push_back(std::max<std::int64_t>(0, size - tile));
  return begins;
}

at::Tensor plane_features_3d(const FeatureReader& reader,
                             const at::Tensor& unpadded,
                             std::size_t axis,
                             const std::vector<std::int64_t>& tile,
                             double fill) {
  const std::array<std::int64_t, 3> size{unpadded.size(1), unpadded.size(2), unpadded.size(3)};
  const at::Tensor volume = padded(unpadded, tile, fill);
  const std::size_t along = 2 - axis;  // of D, H, W
  at::Tensor sums = at::zeros({size[along], reader.width()}, at::kFloat);
  std::vector<double> weights(static_cast<std::size_t>(size[along]), 0);
  const auto add = [&](const std::array<std::int64_t, 3>& begin,
                       const std::vector<at::Tensor>& maps,
                       std::int64_t n) {
    std::int64_t channel = 0;
    for (std::size_t used = 0; used < maps.size(); ++used) {
      at::Tensor map = maps[used][n];  // [C, d, h, w]
      double weight = 1;
      for (std::size_t a = 0; a < 3; ++a) {
        const auto dim = static_cast<std::int64_t>(a) + 1;
        const std::int64_t cells =
            cells_inside(map.size(dim), reader.stride(used)[a], size[a] - begin[a]);
        map = map.narrow(dim, 0, cells);
        // Share of the tile's face that lies in the volume: the same for every stage.
        weight *= a == along ? 1
                             : static_cast<double>(std::min(tile[a], size[a] - begin[a])) /
                                   static_cast<double>(tile[a]);
      }
      std::vector<std::int64_t> others;
      for (std::int64_t dim = 1; dim < 4; ++dim) {
        if (dim != static_cast<std::int64_t>(along) + 1) {
          others.push_back(dim);
        }
      }
      const at::Tensor line = map.mean(others);  // [C, cells]
      const std::int64_t end = std::min(begin[along] + tile[along], size[along]);
      for (std::int64_t plane = begin[along]; plane < end; ++plane) {
        const std::int64_t cell =
            std::min((plane - begin[along]) / reader.stride(used)[along], line.size(1) - 1);
        sums[plane].narrow(0, channel, line.size(0)).add_(line.select(1, cell), weight);
        if (used == 0) {
          weights[static_cast<std::size_t>(plane)] += weight;
        }
      }
      channel += line.size(0);
    }
  };
  std::vector<std::array<std::int64_t, 3>> waiting;
  const auto flush = [&] {
    if (waiting.empty()) {
      return;
    }
    std::vector<at::Tensor> tiles;
    for (const auto& at : waiting) {
      tiles.push_back(
          volume.narrow(1, at[0], tile[0]).narrow(2, at[1], tile[1]).narrow(3, at[2], tile[2]));
    }
    const std::vector<at::Tensor> maps = reader.maps(at::stack(tiles));
    for (std::size_t n = 0; n < waiting.size(); ++n) {
      add(waiting[n], maps, static_cast<std::int64_t>(n));
    }
    waiting.clear();
  };
  for (const std::int64_t d : tile_begins(size[0], tile[0])) {
    for (const std::int64_t h : tile_begins(size[1], tile[1])) {
      for (const std::int64_t w : tile_begins(size[2], tile[2])) {
        waiting.push_back({d, h, w});
        if (std::ssize(waiting) == reader.batch()) {
          flush();
        }
      }
    }
  }
  flush();
  for (std::int64_t plane = 0; plane < size[along]; ++plane) {
    sums[plane].div_(weights[static_cast<std::size_t>(plane)]);
  }
  return sums;
}

}  // namespace

std::int64_t feature_dimensions(const Encoder& encoder, const FeatureOptions& options) {
  std::int64_t dimensions = 0;
  for (std::size_t n = first_stage(encoder, options); n < encoder.stages().size(); ++n) {
    dimensions += encoder.stages()[n].channels;
  }
  return dimensions;
}

CaseFeatures case_features(Encoder& encoder,
                           const std::vector<Volume>& channels,
                           const Geometry& source,
                           const std::vector<std::int64_t>& tile,
                           const FeatureOptions& options,
                           const ComputeMode& mode) {
  if (static_cast<std::int64_t>(channels.size()) != encoder.input_channels()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("embed: the encoder takes {} channels, found {}",
                            encoder.input_channels(),
                            channels.size()));
  }
  const at::NoGradGuard no_grad;
  const FeatureReader reader(encoder, options, mode);
  const SourceSlices slices = source_slices(source, channels[0].geometry);
  const at::Tensor volume = as_tensor(channels);
  const double fill = *std::min_element(channels[0].voxels.begin(), channels[0].voxels.end());
  at::Tensor planes;
  if (encoder.dimensions() == 2) {
    std::vector<bool> wanted(static_cast<std::size_t>(channels[0].geometry.size[slices.axis]));
    for (const std::int64_t plane : slices.planes) {
      wanted[static_cast<std::size_t>(plane)] = true;
    }
    planes = plane_features_2d(reader, volume, slices.axis, wanted, fill);
  } else {
    planes = plane_features_3d(reader, volume, slices.axis, tile, fill);
  }
  CaseFeatures made;
  made.dimensions = reader.width();
  std::vector<double> sum(static_cast<std::size_t>(made.dimensions), 0);
  for (const std::int64_t plane : slices.planes) {
    const float* const row = planes[plane].const_data_ptr<float>();
    made.slices.insert(made.slices.end(), row, row + made.dimensions);
    for (std::size_t n = 0; n < sum.size(); ++n) {
      sum[n] += static_cast<double>(row[n]);
    }
  }
  for (const double value : sum) {
    made.volume.push_back(static_cast<float>(value / static_cast<double>(slices.planes.size())));
  }
  return made;
}

}  // namespace marrow
