#include "models/layers/norm_act.h"

#include <limits>

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace marrow {
namespace {

struct NormActCase {
  std::vector<std::int64_t> shape;
  bool masked;
  bool residual;
  bool channels_last;
  bool over_batch = false;
  double slope = 0.01;
  double cap = std::numeric_limits<double>::infinity();
  bool bfloat16 = false;
};

class NormActKernel : public ::testing::TestWithParam<NormActCase> {};

// The fused kernel against the same formula from LibTorch operations, values and all four
// gradients.
TEST_P(NormActKernel, EqualsTheFormulaInValueAndGradient) {
  const NormActCase& item = GetParam();
  torch::manual_seed(3);
  const bool three = item.shape.size() == 5;
  const auto layout = !item.channels_last ? at::MemoryFormat::Contiguous
                      : three             ? at::MemoryFormat::ChannelsLast3d
                                          : at::MemoryFormat::ChannelsLast;
  const auto leaf = [&](const at::Tensor& x) {
    return x.detach().clone(x.dim() > 3 ? layout : at::MemoryFormat::Contiguous).requires_grad_();
  };
  const at::ScalarType type = item.bfloat16 ? at::kBFloat16 : at::kFloat;
  NormActOptions options;
  options.over_batch = item.over_batch;
  options.slope = item.slope;
  options.cap = item.cap;
  const at::Tensor x = (torch::randn(item.shape) * 3 + 5).to(type);
  const at::Tensor residual = torch::randn(item.shape).to(type);
  const at::Tensor gamma = torch::randn({item.shape[1]});
  const at::Tensor beta = torch::randn({item.shape[1]});
  const at::Tensor weight = torch::randn(item.shape);
  at::Tensor mask;
  if (item.masked) {
    std::vector<std::int64_t> shape = item.shape;
    shape[1] = 1;
    mask = torch::rand(shape) < 0.4;
  }

  std::vector<std::vector<at::Tensor>> results;
  for (const auto& function : {norm_act, norm_act_reference}) {
    const at::Tensor a = leaf(x);
    const at::Tensor g = leaf(gamma);
    const at::Tensor b = leaf(beta);
    const at::Tensor r = item.residual ? leaf(residual) : at::Tensor();
    const NormActResult result = function(a, g, b, mask, r, options);
    (result.y * weight).sum().backward();
    EXPECT_EQ(result.y.scalar_type(), type);
    results.push_back(
        {result.y.detach(), a.grad(), g.grad(), b.grad(), result.mean, result.variance});
    if (item.residual) {
      results.back().push_back(r.grad());
    }
  }

  // bfloat16 has 8 bits: where two float results straddle a rounding border, they end 2^-7 apart.
  const double tolerance = item.bfloat16 ? 1.0 / 100 : 2e-5;
  for (std::size_t i = 0; i < results[0].size(); ++i) {
    const at::Tensor a = results[0][i].to(at::kFloat);
    const at::Tensor b = results[1][i].to(at::kFloat);
    const at::Tensor scale = b.abs().max().clamp_min(1.0);
    EXPECT_EQ(a.sizes(), b.sizes()) << "tensor " << i;
    EXPECT_LT(((a - b).abs().max() / scale).item<double>(), tolerance) << "tensor " << i;
  }
  if (item.masked) {
    EXPECT_EQ(
        at::where(mask, at::zeros({}), results[0][0].to(at::kFloat)).abs().max().item<double>(),
        0.0);
    EXPECT_EQ(
        at::where(mask, at::zeros({}), results[0][1].to(at::kFloat)).abs().max().item<double>(),
        0.0);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes,
    NormActKernel,
    ::testing::Values(NormActCase{{2, 5, 3, 7, 11}, false, false, false},
                      NormActCase{{2, 5, 3, 7, 11}, true, true, false},
                      NormActCase{{2, 19, 5, 6, 7}, false, true, true},
                      NormActCase{{3, 32, 4, 5, 9}, true, true, true},
                      NormActCase{{1, 16, 9, 13}, true, false, true},
                      NormActCase{{2, 3, 40, 31}, false, true, false},
                      // batch norm; ReLU6
                      NormActCase{{3, 24, 4, 5, 9}, true, true, true, true},
                      NormActCase{{3, 6, 4, 5, 9}, false, false, false, true, 0.0, 6.0},
                      NormActCase{{2, 8, 12, 11}, true, false, true, true, 0.0, 0.5},
                      NormActCase{{3, 24, 4, 5, 9}, true, true, true, false, 0.01, 1e9, true},
                      NormActCase{{2, 8, 9, 8, 7}, false, true, true, true, 0.01, 1e9, true},
                      NormActCase{{2, 5, 9, 8, 7}, true, true, false, false, 1.0, 1e9, true}));

TEST(NormActKernelBits, DoNotDependOnTheNumberOfThreads) {
  torch::manual_seed(5);
  const at::Tensor x = torch::randn({3, 40, 6, 7, 8}).contiguous(at::MemoryFormat::ChannelsLast3d);
  const at::Tensor gamma = torch::randn({40});
  const at::Tensor beta = torch::randn({40});

  at::set_num_threads(1);
  const at::Tensor one = norm_act(x, gamma, beta, {}, {}, {}).y;
  at::set_num_threads(2);
  const at::Tensor two = norm_act(x, gamma, beta, {}, {}, {}).y;

  EXPECT_TRUE(at::equal(one, two));
}

TEST(NormActKernelBits, HiddenNanAndInfinityDoNotLeak) {
  at::Tensor x = torch::randn({1, 2, 4, 4, 4});
  at::Tensor mask = torch::zeros({1, 1, 4, 4, 4}, at::kBool);
  mask.slice(2, 0, 2).fill_(true);
  const at::Tensor clean = norm_act(x, at::ones({2}), at::zeros({2}), mask, {}, {}).y;
  x.slice(2, 2, 4).fill_(std::numeric_limits<float>::quiet_NaN());

  const at::Tensor y = norm_act(x, at::ones({2}), at::zeros({2}), mask, {}, {}).y;

  EXPECT_TRUE(at::equal(y, clean));
}

}  // namespace
}  // namespace marrow
