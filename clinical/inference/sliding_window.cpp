#include "clinical/inference/sliding_window.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "core/error.h"
#include "core/interrupt.h"

namespace marrow {

namespace {

using Sizes3 = std::array<std::int64_t, 3>;  // D, H, W

struct TilePlan {
  bool flat = false;  // 2D network: tiles of depth 1 that lose their depth axis
  Sizes3 tile{1, 1, 1};
  Sizes3 before{0, 0, 0};  // padding in front
  Sizes3 size{1, 1, 1};    // of the padded volume
  std::array<std::vector<std::int64_t>, 3> starts;
  std::array<std::vector<float>, 3> weights;  // along the tile
  std::array<std::vector<float>, 3> totals;   // their sum over all tiles, along the padded volume
};

std::vector<float> tile_weights(std::int64_t tile, double sigma) {
  std::vector<float> weights(static_cast<std::size_t>(tile));
  const double centre = static_cast<double>(tile - 1) / 2.0;
  for (std::int64_t i = 0; i < tile; ++i) {
    const double z = (static_cast<double>(i) - centre) / (sigma * static_cast<double>(tile));
    // Three axes multiply: the smallest product must stay a normal float32.
    weights[static_cast<std::size_t>(i)] =
        static_cast<float>(std::max(std::exp(-0.5 * z * z), 1e-10));
  }
  return weights;
}

TilePlan plan_tiles(const at::Tensor& volume, const SlidingWindowOptions& options) {
  if (volume.dim() != 4 || volume.numel() == 0) {
    throw Error(ErrorCode::kInvalidArgument, "sliding window: expected a volume [C, D, H, W]");
  }
  if ((options.patch.size() != 2 && options.patch.size() != 3) || options.batch < 1 ||
      !(options.overlap >= 0.0 && options.overlap < 1.0) || !(options.sigma > 0.0) ||
      *std::min_element(options.patch.begin(), options.patch.end()) < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "sliding window: expected a patch of 2 or 3 sizes >= 1, an overlap in [0, 1), "
                "sigma > 0 and batch >= 1");
  }
  TilePlan plan;
  plan.flat = options.patch.size() == 2;
  for (std::size_t a = 0; a < 3; ++a) {
    plan.tile[a] = plan.flat ? (a == 0 ? 1 : options.patch[a - 1]) : options.patch[a];
    const std::int64_t size = volume.size(static_cast<std::int64_t>(a) + 1);
    plan.size[a] = std::max(size, plan.tile[a]);
    plan.before[a] = (plan.size[a] - size) / 2;
    plan.starts[a] = tile_starts(plan.size[a], plan.tile[a], options.overlap);
    plan.weights[a] = tile_weights(plan.tile[a], options.sigma);
    plan.totals[a].assign(static_cast<std::size_t>(plan.size[a]), 0.0F);
    for (const std::int64_t start : plan.starts[a]) {
      for (std::int64_t i = 0; i < plan.tile[a]; ++i) {
        plan.totals[a][static_cast<std::size_t>(start + i)] +=
            plan.weights[a][static_cast<std::size_t>(i)];
      }
    }
  }
  return plan;
}

// A vector along one of the axes D, H, W, to multiply [K, D, H, W] with.
at::Tensor along_axis(const std::vector<float>& values, std::size_t axis, const at::Tensor& like) {
  std::array<std::int64_t, 4> shape{1, 1, 1, 1};
  shape[axis + 1] = static_cast<std::int64_t>(values.size());
  return at::tensor(at::ArrayRef<float>(values), like.options().dtype(at::kFloat)).view(shape);
}

class TileRun {
 public:
  TileRun(const at::Tensor& volume,
          const NetworkFunction& network,
          const SlidingWindowOptions& options,
          const SlabSink& sink)
      : network_(network),
        options_(options),
        sink_(sink),
        plan_(plan_tiles(volume, options)),
        original_{volume.size(1), volume.size(2), volume.size(3)},
        volume_(volume) {
    std::array<std::int64_t, 6> padding{};
    for (std::size_t a = 0; a < 3; ++a) {
      padding[2 * (2 - a)] = plan_.before[a];
      padding[2 * (2 - a) + 1] = plan_.size[a] - original_[a] - plan_.before[a];
    }
    if (plan_.size != original_) {
      volume_ = at::constant_pad_nd(volume, padding, options.pad_value);
    }
    weights_ = along_axis(plan_.weights[0], 0, volume) * along_axis(plan_.weights[1], 1, volume) *
               along_axis(plan_.weights[2], 2, volume);
    plane_scale_ = (along_axis(plan_.totals[1], 1, volume) * along_axis(plan_.totals[2], 2, volume))
                       .reciprocal_();
  }

  void run() {
    for (const std::int64_t z : plan_.starts[0]) {
      for (const std::int64_t y : plan_.starts[1]) {
        for (const std::int64_t x : plan_.starts[2]) {
          waiting_.push_back({z, y, x});
          if (static_cast<std::int64_t>(waiting_.size()) == options_.batch) {
            flush();
          }
        }
      }
    }
    flush();
    hand_on(plan_.size[0]);
  }

 private:
  void flush() {
    if (waiting_.empty()) {
      return;
    }
    throw_if_interrupted("predicting");
    std::vector<at::Tensor> tiles;
    for (const Sizes3& at : waiting_) {
      at::Tensor tile = volume_;
      for (std::size_t a = 0; a < 3; ++a) {
        tile = tile.narrow(static_cast<std::int64_t>(a) + 1, at[a], plan_.tile[a]);
      }
      tiles.push_back(plan_.flat ? tile.squeeze(1) : tile);
    }
    const at::Tensor logits = scored(at::stack(tiles));
    for (std::size_t t = 0; t < waiting_.size(); ++t) {
      const Sizes3& at = waiting_[t];
      // Tiles come in order of depth: no later one reaches the slices before this one's first.
      hand_on(at[0]);
      make_room(at[0] + plan_.tile[0], logits.size(1));
      sums_.narrow(1, at[0] - sums_first_, plan_.tile[0])
          .narrow(2, at[1], plan_.tile[1])
          .narrow(3, at[2], plan_.tile[2])
          .addcmul_(logits[static_cast<std::int64_t>(t)], weights_);
    }
    waiting_.clear();
  }

  // Mean logits over the mirrored copies, [B, K, d, h, w] float32 beside the volume.
  at::Tensor scored(const at::Tensor& tiles) {
    std::vector<std::int64_t> axes;
    if (options_.mirroring) {
      const std::int64_t last = tiles.dim() - (options_.laterality_sensitive ? 1 : 0);
      for (std::int64_t axis = 2; axis < last; ++axis) {
        axes.push_back(axis);
      }
    }
    at::Tensor total;
    const std::size_t copies = std::size_t{1} << axes.size();
    for (std::size_t copy = 0; copy < copies; ++copy) {
      std::vector<std::int64_t> flipped;
      for (std::size_t a = 0; a < axes.size(); ++a) {
        if ((copy >> a & 1U) != 0) {
          flipped.push_back(axes[a]);
        }
      }
      at::Tensor logits =
          checked(network_(flipped.empty() ? tiles : at::flip(tiles, flipped)), tiles);
      logits = flipped.empty() ? logits : at::flip(logits, flipped);
      total = total.defined() ? total.add_(logits) : (copies > 1 ? logits.clone() : logits);
    }
    if (copies > 1) {
      total.div_(static_cast<double>(copies));
    }
    return plan_.flat ? total.unsqueeze(2) : total;
  }

  at::Tensor checked(const at::Tensor& logits, const at::Tensor& tiles) const {
    bool fits =
        logits.dim() == tiles.dim() && logits.size(0) == tiles.size(0) && logits.size(1) > 0;
    for (std::int64_t axis = 2; fits && axis < tiles.dim(); ++axis) {
      fits = logits.size(axis) == tiles.size(axis);
    }
    if (!fits) {
      throw Error(ErrorCode::kInvalidArgument,
                  "sliding window: the network must return logits [B, K, ...] on the grid of its "
                  "input; is it a segmentation network?");
    }
    return logits.to(volume_.device(), at::kFloat);
  }

  // Sums for slices up to `end`.
  void make_room(std::int64_t end, std::int64_t classes) {
    const std::int64_t have = sums_.defined() ? sums_first_ + sums_.size(1) : sums_first_;
    if (end <= have) {
      return;
    }
    const at::Tensor more = at::zeros({classes, end - have, plan_.size[1], plan_.size[2]},
                                      volume_.options().dtype(at::kFloat));
    sums_ = sums_.defined() && sums_.size(1) > 0 ? at::cat({sums_, more}, 1) : more;
  }

  // Normalises and passes on the slices before `end`, as far as they are part of the unpadded
  // volume.
  void hand_on(std::int64_t end) {
    if (!sums_.defined() || end <= sums_first_) {
      return;
    }
    const std::int64_t count = end - sums_first_;
    const std::int64_t first = std::max(sums_first_, plan_.before[0]);
    const std::int64_t last = std::min(end, plan_.before[0] + original_[0]);
    if (first < last) {
      std::vector<float> scale;
      for (std::int64_t z = first; z < last; ++z) {
        scale.push_back(1.0F / plan_.totals[0][static_cast<std::size_t>(z)]);
      }
      const at::Tensor slab =
          (sums_.narrow(1, first - sums_first_, last - first) * along_axis(scale, 0, volume_))
              .mul_(plane_scale_);
      sink_(first - plan_.before[0],
            slab.narrow(2, plan_.before[1], original_[1]).narrow(3, plan_.before[2], original_[2]));
    }
    sums_ = sums_.narrow(1, count, sums_.size(1) - count);
    sums_first_ = end;
  }

  const NetworkFunction& network_;
  const SlidingWindowOptions& options_;
  const SlabSink& sink_;
  TilePlan plan_;
  Sizes3 original_;
  at::Tensor volume_;
  at::Tensor weights_;
  at::Tensor plane_scale_;  // 1 / summed weights in a slice
  at::Tensor sums_;         // [K, slices from sums_first_, H, W]
  std::int64_t sums_first_ = 0;
  std::vector<Sizes3> waiting_;
};

}  // namespace

std::vector<std::int64_t> tile_starts(std::int64_t size, std::int64_t tile, double overlap) {
  if (size <= tile) {
    return {0};
  }
  const double step = std::max(1.0, static_cast<double>(tile) * (1.0 - overlap));
  const auto gaps = static_cast<std::int64_t>(std::ceil(static_cast<double>(size - tile) / step));
  std::vector<std::int64_t> starts;
  for (std::int64_t t = 0; t <= gaps; ++t) {
    // Rounded t * (size - tile) / gaps.
    starts.push_back((2 * t * (size - tile) + gaps) / (2 * gaps));
  }
  return starts;
}

void sliding_window_slabs(const at::Tensor& volume,
                          const NetworkFunction& network,
                          const SlidingWindowOptions& options,
                          const SlabSink& sink) {
  const at::NoGradGuard no_grad;
  TileRun(volume, network, options, sink).run();
}

at::Tensor sliding_window(const at::Tensor& volume,
                          const NetworkFunction& network,
                          const SlidingWindowOptions& options) {
  at::Tensor whole;
  sliding_window_slabs(volume, network, options, [&](std::int64_t first, const at::Tensor& slab) {
    if (!whole.defined()) {
      whole =
          at::zeros({slab.size(0), volume.size(1), volume.size(2), volume.size(3)}, slab.options());
    }
    whole.narrow(1, first, slab.size(1)).copy_(slab);
  });
  return whole;
}

at::Tensor sliding_window_labels(const at::Tensor& volume,
                                 const NetworkFunction& network,
                                 const SlidingWindowOptions& options) {
  at::Tensor labels;
  sliding_window_slabs(volume, network, options, [&](std::int64_t first, const at::Tensor& slab) {
    if (!labels.defined()) {
      labels = at::zeros({volume.size(1), volume.size(2), volume.size(3)},
                         slab.options().dtype(at::kLong));
    }
    labels.narrow(0, first, slab.size(1)).copy_(at::argmax(slab, 0));
  });
  return labels;
}

}  // namespace marrow
