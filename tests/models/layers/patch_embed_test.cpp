#include "models/layers/patch_embed.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(PatchEmbed, IsAConvolutionWithThePatchAsKernelAndStride) {
  at::manual_seed(1);
  const PatchEmbed embed(2, 5, {2, 4, 3});
  const auto parameters = embed.named_parameters();
  const at::Tensor x = at::randn({2, 2, 4, 8, 9});

  const at::Tensor tokens = embed.forward(x);

  const at::Tensor map =
      at::conv3d(x, parameters["proj.weight"], parameters["proj.bias"], {2, 4, 3});
  EXPECT_LT((tokens - map.flatten(2).transpose(1, 2)).abs().max().item<double>(), 1e-5);
}

TEST(PatchEmbed, ServesChannelsLastMapsAndWeights) {
  at::manual_seed(1);
  const PatchEmbed embed(3, 5, {4, 2});
  const at::Tensor x = at::randn({2, 3, 8, 6});
  const at::Tensor tokens = embed.forward(x);

  for (at::Tensor& parameter : embed.parameters()) {
    if (parameter.dim() == 4) {
      parameter.set_data(parameter.detach().contiguous(at::MemoryFormat::ChannelsLast));
    }
  }
  const at::Tensor again = embed.forward(x.contiguous(at::MemoryFormat::ChannelsLast));

  EXPECT_LT((tokens - again).abs().max().item<double>(), 1e-5);
}

TEST(PatchEmbed, EmbedsTheKeptPatchesInTheirOrder) {
  at::manual_seed(1);
  const PatchEmbed embed(1, 5, {4, 4});
  const at::Tensor x = at::randn({2, 1, 8, 12});
  const at::Tensor kept = at::tensor({5, 0, 2, 3}, at::kLong).view({2, 2});

  const at::Tensor some = embed.forward(x, kept);

  const at::Tensor all = embed.forward(x);
  EXPECT_LT((some[0][0] - all[0][5]).abs().max().item<double>(), 1e-6);
  EXPECT_LT((some[0][1] - all[0][0]).abs().max().item<double>(), 1e-6);
  EXPECT_LT((some[1][0] - all[1][2]).abs().max().item<double>(), 1e-6);
}

TEST(PatchEmbed, DrawsItsWeightsAsThoseOfALinearLayer) {
  at::manual_seed(1);
  const PatchEmbed embed(1, 32, {8, 8});
  const at::Tensor weight = embed.named_parameters()["proj.weight"];
  const double bound = std::sqrt(6.0 / (64 + 32));

  EXPECT_LE(weight.abs().max().item<double>(), bound);
  EXPECT_NEAR(weight.std().item<double>(), bound / std::sqrt(3.0), 0.01);
}

}  // namespace
}  // namespace marrow
