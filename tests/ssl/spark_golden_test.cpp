#include <gtest/gtest.h>
#include <torch/nn/functional.h>
#include <torch/torch.h>

#include "models/layers/norm.h"
#include "models/layers/norm_act.h"
#include "models/layers/visibility.h"
#include "ssl/losses/masked_reconstruction.h"
#include "ssl/masking.h"
#include "ssl/patches.h"
#include "tests/support/golden_tensors.h"

namespace marrow {
namespace {

using testing::golden;
using testing::golden_tensor;
using testing::largest_difference;

TEST(SparkGolden, MaskedConvolutionHidesTheBiasToo) {
  const auto vectors = golden("spark");
  const Visibility visible(golden_tensor(vectors["active_b1ff"]).to(at::kBool));
  const at::Tensor x = golden_tensor(vectors["input"]);

  const at::Tensor y = visible.select(at::conv2d(
      visible.select(x), golden_tensor(vectors["w1"]), golden_tensor(vectors["b1"]), 1, 1));

  EXPECT_LT(largest_difference(y, golden_tensor(vectors["conv1_masked"])), 1e-12);
}

TEST(SparkGolden, BatchNormUsesVisiblePositionsAndUnbiasedRunningVariance) {
  const auto vectors = golden("spark");
  const Visibility visible(golden_tensor(vectors["active_b1ff"]).to(at::kBool));
  NormAct norm(NormKind::kBatch, 3, 1.0);
  norm.to(at::kDouble);
  torch::NoGradGuard no_grad;
  norm.named_parameters()["weight"].copy_(golden_tensor(vectors["bn_gamma"]));
  norm.named_parameters()["bias"].copy_(golden_tensor(vectors["bn_beta"]));

  const at::Tensor y = norm.forward(golden_tensor(vectors["conv1_masked"]), &visible);

  EXPECT_LT(largest_difference(y, golden_tensor(vectors["bn_out"])), 1e-9);
  EXPECT_LT(largest_difference(norm.named_buffers()["running_mean"],
                               golden_tensor(vectors["bn_running_mean_after"])),
            1e-9);
  EXPECT_LT(largest_difference(norm.named_buffers()["running_var"],
                               golden_tensor(vectors["bn_running_var_after"])),
            1e-9);
}

TEST(SparkGolden, StridedConvolutionIsMaskedAtItsOwnScale) {
  const auto vectors = golden("spark");
  const Visibility visible(golden_tensor(vectors["active_b1ff"]).to(at::kBool));

  const at::Tensor y = visible.select(
      at::conv2d(golden_tensor(vectors["relu_out"]), golden_tensor(vectors["w2"]), {}, 2, 1));

  EXPECT_LT(largest_difference(y, golden_tensor(vectors["conv2_stride2_masked"])), 1e-12);
}

TEST(SparkGolden, DensifyPutsTheTokenAtHiddenSites) {
  const auto vectors = golden("spark");
  const Visibility visible(golden_tensor(vectors["active_b1ff"]).to(at::kBool));
  NormAct norm(NormKind::kBatch, 2, 1.0);
  norm.to(at::kDouble);

  const at::Tensor normed = norm.forward(golden_tensor(vectors["conv2_stride2_masked"]), &visible);
  const at::Tensor token = golden_tensor(vectors["mask_token"]).reshape({1, 2, 1, 1});
  const at::Tensor dense = at::where(visible.at_size(normed.sizes().slice(2)), normed, token);

  EXPECT_LT(largest_difference(normed, golden_tensor(vectors["densify_bn_out"])), 1e-9);
  EXPECT_LT(largest_difference(dense, golden_tensor(vectors["densified"])), 1e-9);
}

TEST(SparkGolden, LossPerPatchAndGradientIn2D) {
  const auto vectors = golden("spark");
  const at::Tensor rec = golden_tensor(vectors["rec"]).requires_grad_();
  const at::Tensor hidden = golden_tensor(vectors["active_b1ff"]).flatten(1).logical_not();
  const std::int64_t patch = vectors["patch"];

  const MaskedReconstruction result = masked_reconstruction_loss(
      patchify(rec, patch), patchify(golden_tensor(vectors["input"]), patch), hidden, true, 1e-8);
  result.loss.backward();

  EXPECT_NEAR(result.loss.item<double>(), vectors["loss"].get<double>(), 1e-9);
  EXPECT_LT(largest_difference(result.per_patch, golden_tensor(vectors["per_patch_loss"])), 1e-9);
  EXPECT_LT(largest_difference(rec.grad(), golden_tensor(vectors["dloss_drec"])), 1e-7);
  const at::Tensor visible_gradient =
      at::where(hidden.unsqueeze(-1), at::zeros({}, at::kDouble), patchify(rec.grad(), patch));
  EXPECT_EQ(visible_gradient.abs().max().item<double>(), 0.0);
}

TEST(SparkGolden, ConvolutionNormAndLossIn3D) {
  const auto vectors = golden("spark3d");
  const Visibility visible(golden_tensor(vectors["active_b1fff"]).to(at::kBool));
  const at::Tensor x = golden_tensor(vectors["input"]);

  const at::Tensor y = visible.select(at::conv3d(
      visible.select(x), golden_tensor(vectors["w"]), golden_tensor(vectors["b"]), 1, 1));
  const at::Tensor mean =
      golden_tensor(vectors["in_mean_visible_per_sample"]).reshape({1, 2, 1, 1, 1});
  const at::Tensor variance =
      golden_tensor(vectors["bn_var_visible_biased"]).reshape({1, 2, 1, 1, 1});
  const at::Tensor normed = norm_act(y,
                                     at::ones({2}, at::kDouble),
                                     at::zeros({2}, at::kDouble),
                                     visible.at_size(y.sizes().slice(2)),
                                     {},
                                     {.eps = 1e-5, .slope = 1.0})
                                .y;
  const std::int64_t patch = vectors["patch"];
  const MaskedReconstruction result =
      masked_reconstruction_loss(patchify(golden_tensor(vectors["rec"]), patch),
                                 patchify(x, patch),
                                 visible.grid().flatten(1).logical_not(),
                                 true,
                                 1e-8);

  EXPECT_LT(largest_difference(y, golden_tensor(vectors["conv_masked"])), 1e-12);
  EXPECT_LT(largest_difference(normed, visible.select((y - mean) / (variance + 1e-5).sqrt())),
            1e-9);
  EXPECT_NEAR(result.loss.item<double>(), vectors["loss"].get<double>(), 1e-8);
  EXPECT_LT(largest_difference(result.per_patch, golden_tensor(vectors["per_patch_loss"])), 1e-9);
}

TEST(SparkGolden, PatchOrderIsChannelLast) {
  const auto vectors = golden("patchify");
  for (const auto& [name, item] : vectors.items()) {
    if (!item.is_object() || !item.contains("x")) {
      continue;
    }
    const auto& patch = item["patch"];
    const std::int64_t side =
        patch.is_array() ? patch[0].get<std::int64_t>() : patch.get<std::int64_t>();
    const at::Tensor image = golden_tensor(item["x"]);
    const at::Tensor patches = patchify(image, side);
    EXPECT_EQ(largest_difference(patches, golden_tensor(item["out"])), 0.0) << name;
    std::vector<std::int64_t> grid;
    for (std::int64_t axis = 2; axis < image.dim(); ++axis) {
      grid.push_back(image.size(axis) / side);
    }
    EXPECT_EQ(largest_difference(unpatchify(patches, grid, side, image.size(1)), image), 0.0)
        << name;
  }
}

TEST(SparkGolden, KeepsRoundHalfToEvenCells) {
  for (const auto& item : golden("mae_masking")["counts"]) {
    EXPECT_EQ(spark_visible_cells(item["L"], item["ratio"]),
              item["spark_keep"].get<std::int64_t>());
  }
}

}  // namespace
}  // namespace marrow
