#include "models/layers/norm_act.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace marrow {
namespace {

struct NormActCase {
  std::vector<std::int64_t> shape;
  bool masked;
  bool residual;
  bool channels_last;
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
  const at::Tensor x = torch::randn(item.shape) * 3 + 5;
  const at::Tensor residual = torch::randn(item.shape);
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
  for (const auto& function : {instance_norm_act, instance_norm_act_reference}) {
    const at::Tensor a = leaf(x);
    const at::Tensor g = leaf(gamma);
    const at::Tensor b = leaf(beta);
    const at::Tensor r = item.residual ? leaf(residual) : at::Tensor();
    const at::Tensor y = function(a, g, b, mask, r, 1e-5, 0.01);
    (y * weight).sum().backward();
    results.push_back({y.detach(), a.grad(), g.grad(), b.grad()});
    if (item.residual) {
      results.back().push_back(r.grad());
    }
  }

  for (std::size_t i = 0; i < results[0].size(); ++i) {
    const at::Tensor scale = results[1][i].abs().max().clamp_min(1.0);
    EXPECT_LT(((results[0][i] - results[1][i]).abs().max() / scale).item<double>(), 2e-5)
        << "tensor " << i;
  }
  if (item.masked) {
    EXPECT_EQ(at::where(mask, at::zeros({}), results[0][0]).abs().max().item<double>(), 0.0);
    EXPECT_EQ(at::where(mask, at::zeros({}), results[0][1]).abs().max().item<double>(), 0.0);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes,
                         NormActKernel,
                         ::testing::Values(NormActCase{{2, 5, 3, 7, 11}, false, false, false},
                                           NormActCase{{2, 5, 3, 7, 11}, true, true, false},
                                           NormActCase{{2, 19, 5, 6, 7}, false, true, true},
                                           NormActCase{{3, 32, 4, 5, 9}, true, true, true},
                                           NormActCase{{1, 16, 9, 13}, true, false, true},
                                           NormActCase{{2, 3, 40, 31}, false, true, false}));

TEST(NormActKernelBits, DoNotDependOnTheNumberOfThreads) {
  torch::manual_seed(5);
  const at::Tensor x = torch::randn({3, 40, 6, 7, 8}).contiguous(at::MemoryFormat::ChannelsLast3d);
  const at::Tensor gamma = torch::randn({40});
  const at::Tensor beta = torch::randn({40});

  at::set_num_threads(1);
  const at::Tensor one = instance_norm_act(x, gamma, beta, {}, {}, 1e-5, 0.01);
  at::set_num_threads(2);
  const at::Tensor two = instance_norm_act(x, gamma, beta, {}, {}, 1e-5, 0.01);

  EXPECT_TRUE(at::equal(one, two));
}

TEST(NormActKernelBits, HiddenNanAndInfinityDoNotLeak) {
  at::Tensor x = torch::randn({1, 2, 4, 4, 4});
  at::Tensor mask = torch::zeros({1, 1, 4, 4, 4}, at::kBool);
  mask.slice(2, 0, 2).fill_(true);
  const at::Tensor clean =
      instance_norm_act(x, at::ones({2}), at::zeros({2}), mask, {}, 1e-5, 0.01);
  x.slice(2, 2, 4).fill_(std::numeric_limits<float>::quiet_NaN());

  const at::Tensor y = instance_norm_act(x, at::ones({2}), at::zeros({2}), mask, {}, 1e-5, 0.01);

  EXPECT_TRUE(at::equal(y, clean));
}

}  // namespace
}  // namespace marrow
