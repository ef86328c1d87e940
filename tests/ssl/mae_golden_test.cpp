#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "ssl/losses/masked_reconstruction.h"
#include "ssl/masking.h"
#include "ssl/patches.h"
#include "tests/support/golden_tensors.h"

namespace marrow {
namespace {

using testing::golden;
using testing::golden_tensor;
using testing::largest_difference;

TEST(MaeGolden, KeepsTheFloorOfWhatIsLeftOfTheRatio) {
  for (const auto& item : golden("mae_masking")["counts"]) {
    EXPECT_EQ(mae_kept_patches(item["L"], item["ratio"]), item["mae_keep"].get<std::int64_t>());
  }
}

TEST(MaeGolden, MasksByTheOrderOfTheNoise) {
  const auto vectors = golden("mae_masking");

  const TokenMask mask = token_mask(golden_tensor(vectors["noise"]), vectors["len_keep"]);

  EXPECT_EQ(largest_difference(mask.kept, golden_tensor(vectors["ids_keep"])), 0.0);
  EXPECT_EQ(largest_difference(mask.restore, golden_tensor(vectors["ids_restore"])), 0.0);
  EXPECT_EQ(largest_difference(mask.hidden, golden_tensor(vectors["mask"])), 0.0);
}

TEST(MaeGolden, LossPerPatchAndGradientWithAndWithoutNormalisation) {
  const auto vectors = golden("mae_loss");
  const at::Tensor hidden = golden_tensor(vectors["mask"]);
  for (const bool normalise : {false, true}) {
    const auto& expected = vectors[normalise ? "norm_pix" : "raw"];
    const at::Tensor predicted = golden_tensor(vectors["pred"]).requires_grad_();
    const at::Tensor target =
        patchify(golden_tensor(vectors["img"]), vectors["patch"].get<std::int64_t>())
            .requires_grad_();

    const MaskedReconstruction result =
        masked_reconstruction_loss(predicted, target, hidden, normalise, 0);
    result.loss.backward();

    EXPECT_NEAR(result.loss.item<double>(), expected["loss"].get<double>(), 1e-9);
    EXPECT_LT(largest_difference(result.per_patch, golden_tensor(expected["per_patch"])), 1e-9);
    EXPECT_LT(largest_difference(predicted.grad(), golden_tensor(expected["dloss_dpred"])), 1e-8);
    const at::Tensor visible = (1 - hidden).unsqueeze(-1);
    EXPECT_EQ((predicted.grad() * visible).abs().max().item<double>(), 0.0);
    EXPECT_EQ((target.grad() * visible).abs().max().item<double>(), 0.0);
  }
}

TEST(MaeGolden, LossIn3D) {
  const auto vectors = golden("mae_loss")["case_3d"];
  const at::Tensor target =
      patchify(golden_tensor(vectors["img"]), vectors["patch"].get<std::vector<std::int64_t>>());

  const MaskedReconstruction result = masked_reconstruction_loss(
      golden_tensor(vectors["pred"]), target, golden_tensor(vectors["mask"]), true, 0);

  EXPECT_NEAR(result.loss.item<double>(), vectors["norm_pix_loss"].get<double>(), 1e-9);
  EXPECT_LT(largest_difference(result.per_patch, golden_tensor(vectors["per_patch"])), 1e-9);
}

}  // namespace
}  // namespace marrow
