#include "clinical/inference/sliding_window.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "core/error.h"

namespace marrow {
namespace {

using testing::ElementsAre;

SlidingWindowOptions window(std::vector<std::int64_t> patch) {
  SlidingWindowOptions options;
  options.patch = std::move(patch);
  return options;
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(TileStarts, SpreadEvenlyAndEndFlush) {
  EXPECT_THAT(tile_starts(100, 64, 0.5), ElementsAre(0, 18, 36));
  EXPECT_THAT(tile_starts(64, 64, 0.5), ElementsAre(0));
  EXPECT_THAT(tile_starts(40, 64, 0.5), ElementsAre(0));
  EXPECT_THAT(tile_starts(5, 1, 0.5), ElementsAre(0, 1, 2, 3, 4));
}

TEST(SlidingWindow, EqualsAPlainForwardWhenOneTileFits) {
  at::manual_seed(1);
  const at::Tensor volume = at::randn({2, 6, 9, 8});
  const at::Tensor weight = at::randn({3, 2, 3, 3, 3});
  const NetworkFunction network = [&](const at::Tensor& x) {
    return at::conv3d(x, weight, {}, 1, 1).tanh();
  };

  const at::Tensor logits = sliding_window(volume, network, window({6, 9, 8}));

  EXPECT_LT(largest_difference(logits, network(volume.unsqueeze(0))[0]), 1e-5);
}

TEST(SlidingWindow, OfAPointwiseNetworkIsThatNetwork) {
  at::manual_seed(2);
  const at::Tensor volume = at::randn({1, 11, 23, 17});
  const NetworkFunction network = [](const at::Tensor& x) { return at::cat({x, x * x - 3.0}, 1); };
  SlidingWindowOptions options = window({5, 8, 6});
  options.batch = 4;

  const at::Tensor logits = sliding_window(volume, network, options);

  EXPECT_LT(largest_difference(logits, network(volume.unsqueeze(0))[0]), 1e-5);
}

TEST(SlidingWindow, OfALinearNetworkIsTheFullConvolutionInsideEveryTile) {
  at::manual_seed(3);
  const at::Tensor volume = at::randn({1, 8, 20, 12});
  const at::Tensor weight = at::randn({2, 1, 3, 3, 3});
  const NetworkFunction network = [&](const at::Tensor& x) {
    return at::conv3d(x, weight, {}, 1, 1);
  };
  SlidingWindowOptions options = window({8, 10, 12});
  options.overlap = 0.0;

  const at::Tensor off = sliding_window(volume, network, options) - network(volume.unsqueeze(0))[0];

  // Rows 9 and 10 lie at the seam, where a tile does not see its neighbour.
  EXPECT_LT(off.slice(2, 0, 9).abs().max().item<double>(), 1e-4);
  EXPECT_LT(off.slice(2, 11, 20).abs().max().item<double>(), 1e-4);
  EXPECT_GT(off.slice(2, 9, 11).abs().max().item<double>(), 0.1);
}

// Slow transcription: every tile's logits and Gaussian added up in double.
TEST(SlidingWindow, BlendsOverlappingTilesByTheirGaussians) {
  at::manual_seed(3);
  const at::Tensor volume = at::randn({1, 9, 13, 7});
  const at::Tensor weight = at::randn({2, 1, 3, 3, 3});
  const NetworkFunction network = [&](const at::Tensor& x) {
    return at::conv3d(x, weight, {}, 1, 1);
  };
  const auto bell = [](std::int64_t n, std::vector<std::int64_t> shape) {
    const at::Tensor z = (at::arange(n, at::kDouble) - static_cast<double>(n - 1) / 2) /
                         (0.125 * static_cast<double>(n));
    return at::exp(-0.5 * z * z).view(shape);
  };
  const at::Tensor gaussian = bell(6, {6, 1, 1}) * bell(6, {1, 6, 1}) * bell(5, {1, 1, 5});
  at::Tensor sums = at::zeros({2, 9, 13, 7}, at::kDouble);
  at::Tensor weights = at::zeros({9, 13, 7}, at::kDouble);
  for (const std::int64_t z : tile_starts(9, 6, 0.5)) {
    for (const std::int64_t y : tile_starts(13, 6, 0.5)) {
      for (const std::int64_t x : tile_starts(7, 5, 0.5)) {
        const at::Tensor tile = volume.slice(1, z, z + 6).slice(2, y, y + 6).slice(3, x, x + 5);
        sums.slice(1, z, z + 6).slice(2, y, y + 6).slice(3, x, x + 5) +=
            network(tile.unsqueeze(0))[0].to(at::kDouble) * gaussian;
        weights.slice(0, z, z + 6).slice(1, y, y + 6).slice(2, x, x + 5) += gaussian;
      }
    }
  }

  SlidingWindowOptions options = window({6, 6, 5});
  options.batch = 3;
  const at::Tensor logits = sliding_window(volume, network, options);

  EXPECT_LT(largest_difference(logits.to(at::kDouble), sums / weights), 1e-4);
}

TEST(SlidingWindow, OfAConstantNetworkIsThatConstantAlsoOutsideOneTile) {
  const at::Tensor volume = at::zeros({1, 7, 40, 33});
  const NetworkFunction network = [](const at::Tensor& x) {
    return at::full({x.size(0), 2, x.size(2), x.size(3), x.size(4)}, 4.25);
  };

  const at::Tensor logits = sliding_window(volume, network, window({16, 16, 16}));

  EXPECT_THAT(logits.sizes().vec(), ElementsAre(2, 7, 40, 33));
  EXPECT_LT(largest_difference(logits, at::full({2, 7, 40, 33}, 4.25)), 1e-5);
}

TEST(SlidingWindow, PadsASmallVolumeOnBothSides) {
  const at::Tensor volume = at::ones({1, 3, 5, 4});
  at::Tensor seen;
  SlidingWindowOptions options = window({6, 8, 4});
  options.pad_value = -2.0;

  (void)sliding_window(
      volume,
      [&](const at::Tensor& x) {
        seen = x.clone();
        return x;
      },
      options);

  EXPECT_THAT(seen.sizes().vec(), ElementsAre(1, 1, 6, 8, 4));
  EXPECT_TRUE(at::equal(seen[0].slice(1, 1, 4).slice(2, 1, 6), volume));
  EXPECT_EQ(seen[0][0][0][0][0].item<float>(), -2.0F);
  EXPECT_EQ(seen[0][0][5][7][3].item<float>(), -2.0F);
}

TEST(SlidingWindow, GivesA2dNetworkOneSliceAtATimeInBatches) {
  at::manual_seed(4);
  const at::Tensor volume = at::randn({2, 5, 9, 7});
  std::vector<std::int64_t> batches;
  SlidingWindowOptions options = window({9, 7});
  options.batch = 3;

  const at::Tensor logits = sliding_window(
      volume,
      [&](const at::Tensor& x) {
        EXPECT_EQ(x.dim(), 4);
        batches.push_back(x.size(0));
        return x * 2.0;
      },
      options);

  EXPECT_THAT(batches, ElementsAre(3, 2));
  EXPECT_LT(largest_difference(logits, volume * 2.0), 1e-6);
}

TEST(SlidingWindow, NeverMirrorsLeftAndRightWhenLateralityMatters) {
  const at::Tensor volume = at::arange(24, at::kFloat).view({1, 2, 3, 4});
  SlidingWindowOptions options = window({2, 3, 4});
  options.mirroring = true;
  const auto copies = [&] {
    std::vector<bool> kept_left_right;
    (void)sliding_window(
        volume,
        [&](const at::Tensor& x) {
          const at::Tensor row = x[0][0][0][0];
          kept_left_right.push_back(row[0].item<float>() < row[3].item<float>());
          return x;
        },
        options);
    return kept_left_right;
  };

  EXPECT_THAT(copies(), ElementsAre(true, true, true, true));
  options.laterality_sensitive = false;
  EXPECT_THAT(copies(), testing::SizeIs(8));
  EXPECT_THAT(copies(), testing::Contains(false));
}

TEST(SlidingWindow, MirroredCopiesAreTurnedBackBeforeTheMean) {
  at::manual_seed(5);
  const at::Tensor volume = at::randn({1, 4, 6, 5});
  SlidingWindowOptions options = window({4, 6, 5});
  options.mirroring = true;

  const at::Tensor logits = sliding_window(
      volume, [](const at::Tensor& x) { return x; }, options);

  EXPECT_LT(largest_difference(logits, volume), 1e-6);
}

TEST(SlidingWindow, LabelsAreTheClassWithTheHighestLogit) {
  at::manual_seed(6);
  const at::Tensor volume = at::randn({3, 13, 10, 9});
  const NetworkFunction same = [](const at::Tensor& x) { return x; };

  const at::Tensor labels = sliding_window_labels(volume, same, window({6, 6, 6}));

  EXPECT_TRUE(at::equal(labels, volume.argmax(0)));
}

TEST(SlidingWindow, HandsOnSlabsInOrderWithoutGaps) {
  const at::Tensor volume = at::randn({1, 37, 6, 6});
  std::int64_t next = 0;
  std::int64_t thickest = 0;

  sliding_window_slabs(
      volume,
      [](const at::Tensor& x) { return x; },
      window({8, 6, 6}),
      [&](std::int64_t first, const at::Tensor& slab) {
        EXPECT_EQ(first, next);
        next += slab.size(1);
        thickest = std::max(thickest, slab.size(1));
      });

  EXPECT_EQ(next, 37);
  EXPECT_LE(thickest, 8);
}

TEST(SlidingWindow, RefusesANetworkThatReturnsAnotherGrid) {
  const at::Tensor volume = at::randn({1, 8, 8, 8});

  EXPECT_THROW((void)sliding_window(
                   volume, [](const at::Tensor& x) { return x.slice(2, 0, 2); }, window({4, 4, 4})),
               Error);
}

TEST(SlidingWindow, RefusesAPatchOfOneSize) {
  EXPECT_THROW((void)sliding_window(
                   at::randn({1, 8, 8, 8}), [](const at::Tensor& x) { return x; }, window({4})),
               Error);
}

}  // namespace
}  // namespace marrow
