#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/config/options.h"

namespace marrow {

struct SlidingWindowOptions {
  static constexpr std::string_view kName = "sliding_window";

  std::vector<std::int64_t> patch;  // D, H, W of the network's input, or H, W for a 2D network
  double overlap = 0.5;
  std::int64_t batch = 1;
  double sigma = 0.125;  // nnU-Net
  double pad_value = 0.0;
  bool mirroring = false;
  // From the study's setting, not from the file: with it, left and right are never swapped.
  bool laterality_sensitive = true;

  template <class Visit>
  void describe(Visit&& visit) {
    visit(
        "patch", patch, Range{1, 4096}, "size of a tile: depth, height, width (2D: height, width)");
    visit("overlap", overlap, Range{0.0, 0.95}, "share of a tile that the next one covers again");
    visit("batch", batch, Range{1, 1024}, "tiles that go through the network at a time");
    visit("sigma",
          sigma,
          Range{0.01, 10.0},
          "standard deviation of the Gaussian tile weights, as a share of the tile");
    visit("pad_value",
          pad_value,
          Range{-1e6, 1e6},
          "what surrounds a volume that is smaller than a tile");
    visit("mirroring", mirroring, "average over all mirrored copies of each tile");
  }
};

// Logits [B, K, d, h, w] (2D: [B, K, h, w]) of tiles [B, C, d, h, w]; may lie on another device.
using NetworkFunction = std::function<at::Tensor(const at::Tensor&)>;

// Receives finished slices [K, d, H, W] float32 of the volume, from slice `first` on; in order,
// without gaps.
using SlabSink = std::function<void(std::int64_t first, const at::Tensor& logits)>;

// Where tiles begin along an axis: the fewest tiles that overlap by at least `overlap`, spread
// evenly, the last one flush with the end. One tile at 0 when size <= tile.
[[nodiscard]] std::vector<std::int64_t> tile_starts(std::int64_t size,
                                                    std::int64_t tile,
                                                    double overlap);

// Runs `network` over the tiles of `volume` [C, D, H, W] and hands on the mean of their logits,
// weighted with a Gaussian around each tile's centre. Axes are those of prepared volumes: the last
// one is left-right, which mirroring leaves out when `laterality_sensitive`. A 2D network sees one
// slice along D at a time. A volume smaller than a tile is padded on both sides. Gradients are not
// recorded. Holds K * patch depth slices of logits and `batch` tiles, whatever the depth.
//
// Throws Error{kInvalidArgument} for shapes that do not fit, also those that the network returns;
// Error{kInterrupted}. Source: Isensee et al. 2021 (nnU-Net).
void sliding_window_slabs(const at::Tensor& volume,
                          const NetworkFunction& network,
                          const SlidingWindowOptions& options,
                          const SlabSink& sink);

// The whole map of logits, [K, D, H, W] float32 on the volume's device.
[[nodiscard]] at::Tensor sliding_window(const at::Tensor& volume,
                                        const NetworkFunction& network,
                                        const SlidingWindowOptions& options);

// The class with the highest logit, [D, H, W] int64; never holds the logits of the whole volume.
[[nodiscard]] at::Tensor sliding_window_labels(const at::Tensor& volume,
                                               const NetworkFunction& network,
                                               const SlidingWindowOptions& options);

}  // namespace marrow
