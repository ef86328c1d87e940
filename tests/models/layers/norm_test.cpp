#include "models/layers/norm.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/error.h"

namespace marrow {
namespace {

// Two samples of 6 channels on 4 x 6 positions; of 2 x 3 cells three are visible in each.
Visibility half_visible() {
  return Visibility(
      torch::tensor({1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0}, at::kBool).view({2, 1, 2, 3}));
}

std::shared_ptr<NormAct> random_norm(const NormOptions& options,
                                     double slope,
                                     at::ScalarType type = at::kDouble) {
  auto norm = std::make_shared<NormAct>(options, 6, slope);
  norm->to(type);
  const torch::NoGradGuard no_grad;
  norm->named_parameters()["weight"].normal_();
  norm->named_parameters()["bias"].normal_();
  return norm;
}

// What the norm does to one set of values that share their statistics.
at::Tensor standardised(const at::Tensor& values) {
  return (values - values.mean()) / (values.var(false) + 1e-5).sqrt();
}

// Value by value from the definition, in float64.
at::Tensor by_definition(const at::Tensor& x,
                         NormAct& norm,
                         const at::Tensor& mask,
                         NormKind kind,
                         std::int64_t groups) {
  at::Tensor y = torch::zeros_like(x);
  const std::int64_t width = kind == NormKind::kGroup ? x.size(1) / groups : 1;
  for (std::int64_t b = 0; b < x.size(0); ++b) {
    const at::Tensor seen = mask[b][0].flatten();
    const at::Tensor in = x[b].flatten(1);
    const at::Tensor out = y[b].view({x.size(1), -1});
    if (kind == NormKind::kLayer) {
      for (std::int64_t p = 0; p < in.size(1); ++p) {
        if (seen[p].item<bool>()) {
          out.select(1, p).copy_(standardised(in.select(1, p)));
        }
      }
      continue;
    }
    for (std::int64_t c = 0; c < x.size(1); c += width) {
      const at::Tensor group = in.narrow(0, c, width);
      const at::Tensor values = standardised(group.masked_select(seen));
      out.narrow(0, c, width).masked_scatter_(seen.expand_as(group), values);
    }
  }
  const at::Tensor weight = norm.named_parameters()["weight"].detach().view({1, -1, 1, 1});
  const at::Tensor bias = norm.named_parameters()["bias"].detach().view({1, -1, 1, 1});
  return at::where(mask, y * weight + bias, at::zeros({}, x.options()));
}

TEST(Norm, GroupAndLayerEqualLibTorchsWithResidualAndActivation) {
  torch::manual_seed(1);
  const at::Tensor x = torch::randn({2, 6, 3, 4, 5}, at::kDouble);
  const at::Tensor residual = torch::randn_like(x);
  const auto group = random_norm({NormKind::kGroup, 2}, 0.01);
  const auto layer = random_norm(NormKind::kLayer, 0.01);
  const auto weight = [](NormAct& norm) { return norm.named_parameters()["weight"]; };
  const auto bias = [](NormAct& norm) { return norm.named_parameters()["bias"]; };

  const at::Tensor grouped = at::group_norm(x, 2, weight(*group), bias(*group), 1e-5);
  const at::Tensor layered =
      at::layer_norm(x.permute({0, 2, 3, 4, 1}), {6}, weight(*layer), bias(*layer), 1e-5)
          .permute({0, 4, 1, 2, 3});

  EXPECT_TRUE(at::allclose(
      group->forward(x, nullptr, residual), at::leaky_relu(grouped + residual, 0.01), 0, 1e-12));
  EXPECT_TRUE(at::allclose(
      layer->forward(x, nullptr, residual), at::leaky_relu(layered + residual, 0.01), 0, 1e-12));
}

class MaskedNorm : public ::testing::TestWithParam<NormKind> {};

TEST_P(MaskedNorm, TakesItsStatisticsFromVisiblePositionsAlone) {
  torch::manual_seed(2);
  const Visibility visible = half_visible();
  const at::Tensor x = torch::randn({2, 6, 4, 6}, at::kDouble) * 3 + 5;
  const auto norm = random_norm({GetParam(), 3}, 1.0);

  const at::Tensor y = norm->forward(x, &visible);

  const at::Tensor expected = by_definition(x, *norm, visible.at_size({4, 6}), GetParam(), 3);
  EXPECT_TRUE(at::allclose(y, expected, 0, 1e-10));
}

TEST_P(MaskedNorm, NeitherValuesNorGradientsSeeAHiddenNan) {
  torch::manual_seed(3);
  const Visibility visible = half_visible();
  const at::Tensor& mask = visible.at_size({4, 6});
  const at::Tensor clean = torch::randn({2, 6, 4, 6});
  const at::Tensor weight = torch::randn_like(clean);
  const auto norm = random_norm({GetParam(), 3}, 0.01, at::kFloat);
  std::vector<std::vector<at::Tensor>> results;

  for (const double hidden : {0.0, std::numeric_limits<double>::quiet_NaN()}) {
    norm->zero_grad();
    const at::Tensor x = at::where(mask, clean, at::full({}, hidden)).requires_grad_();
    const at::Tensor y = norm->forward(x, &visible);
    (y * weight).sum().backward();
    results.push_back({y.detach(), x.grad(), norm->named_parameters()["weight"].grad().clone()});
  }

  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(at::equal(results[0][i], results[1][i])) << "tensor " << i;
  }
  EXPECT_EQ(results[1][0].masked_select(mask.logical_not()).abs().max().item<float>(), 0.0F);
  EXPECT_EQ(results[1][1].masked_select(mask.logical_not()).abs().max().item<float>(), 0.0F);
}

TEST_P(MaskedNorm, ItsGradientIsTheSlopeOfItsValue) {
  torch::manual_seed(4);
  const Visibility visible = half_visible();
  const at::Tensor x = torch::randn({2, 6, 4, 6}, at::kDouble).requires_grad_();
  const at::Tensor weight = torch::randn_like(x);
  const auto norm = random_norm({GetParam(), 3}, 1.0);
  const auto value = [&] { return (norm->forward(x, &visible) * weight).sum(); };
  value().backward();

  const torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-5;
  for (const at::Tensor& leaf :
       {x, norm->named_parameters()["weight"], norm->named_parameters()["bias"]}) {
    at::Tensor flat = leaf.view(-1);
    for (std::int64_t i = 0; i < flat.size(0); i += 5) {
      flat[i] += kStep;
      const double above = value().item<double>();
      flat[i] -= 2 * kStep;
      const double below = value().item<double>();
      flat[i] += kStep;
      // The third derivative leaves about 1e-9 at this step.
      EXPECT_NEAR(leaf.grad().view(-1)[i].item<double>(), (above - below) / (2 * kStep), 1e-6);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, MaskedNorm, ::testing::Values(NormKind::kInstance, NormKind::kGroup, NormKind::kLayer));

TEST(Norm, KeepsBfloat16OfTheMapAndComputesInFloat32) {
  torch::manual_seed(5);
  const Visibility visible = half_visible();
  const at::Tensor x = (torch::randn({2, 6, 4, 6}) + 20).to(at::kBFloat16);
  for (const NormKind kind : {NormKind::kGroup, NormKind::kLayer}) {
    const auto norm = random_norm({kind, 3}, 1.0, at::kFloat);
    const at::Tensor exact = norm->forward(x.to(at::kFloat), &visible);

    const at::Tensor y = norm->forward(x, &visible);

    EXPECT_EQ(y.scalar_type(), at::kBFloat16);
    EXPECT_TRUE(at::equal(y, exact.to(at::kBFloat16)));
  }
}

TEST(Norm, RefusesGroupsThatDoNotDivideTheChannels) {
  try {
    NormAct norm({NormKind::kGroup, 4}, 6, 1.0);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("6 channels cannot be cut into 4 groups"));
  }
}

TEST(Norm, RefusesAResidualOfAnotherSizeWhateverItsKind) {
  for (const NormKind kind :
       {NormKind::kInstance, NormKind::kBatch, NormKind::kGroup, NormKind::kLayer}) {
    NormAct norm({kind, 2}, 6, 0.01);
    norm.eval();
    try {
      static_cast<void>(
          norm.forward(torch::randn({2, 6, 4, 6}), nullptr, torch::randn({2, 6, 1, 6})));
      FAIL() << "expected an error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("multiple of the encoder's stride"));
    }
  }
}

TEST(Norm, NamesTheKindsWhenAWordIsNone) {
  try {
    static_cast<void>(norm_kind("weight"));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("instance, batch, group or layer"));
  }
}

}  // namespace
}  // namespace marrow
